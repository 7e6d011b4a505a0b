"""Refusals: what a client makes of each error."""

import pytest

from headrace.ingest import errors
from headrace.ingest.refusal import NOT_FOUND, REFUSALS, UNEXPECTED, refusal_of

# by OTLP/HTTP: what a retry cannot cure is never 429, 502, 503 or 504, all else always is
STATUS = {
    errors.Undecodable: 400,
    errors.BadHeader: 400,
    TimeoutError: 408,
    errors.TooLarge: 413,
    errors.UnknownType: 415,
    errors.Misdirected: 421,
    errors.KeyNeeded: 401,
    errors.KeyRefused: 401,
    errors.ScopeMissing: 403,
    errors.KeysBusy: 503,
    errors.Busy: 503,
    errors.SpoolFull: 503,
    errors.SpoolFailed: 503,
    errors.LakeAway: 503,
    MemoryError: 503,
    errors.OffsetMoved: 503,
}
# google.rpc.Code: INVALID_ARGUMENT, PERMISSION_DENIED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED,
# UNAVAILABLE, UNAUTHENTICATED
CODES = {400: 3, 415: 3, 421: 7, 403: 7, 408: 4, 413: 8, 429: 8, 503: 14, 401: 16}


@pytest.mark.parametrize(("kind", "status"), STATUS.items(), ids=lambda item: str(item))
def test_each_error_has_its_status_and_the_code_that_goes_with_it(
    kind: type[Exception], status: int
) -> None:
    told = refusal_of(kind("x"))
    assert (told.status, told.code) == (status, CODES[status])


def test_too_fast_says_when_to_come_again() -> None:
    told = refusal_of(errors.TooFast("x", retry_s=7))
    assert (told.status, told.code, told.retry_s) == (429, CODES[429], 7)


def test_every_401_has_a_challenge_and_nothing_else_has() -> None:  # RFC 9110, 11.6.1
    assert {told.status for _, told in REFUSALS if told.challenge} == {401}
    assert all(told.challenge for _, told in REFUSALS if told.status == 401)


def test_each_reason_names_one_kind_of_problem() -> None:
    told = [told for _, told in REFUSALS] + [UNEXPECTED, NOT_FOUND]
    assert len({item.reason for item in told}) == len(told)
    for item in told:  # a part of a URN and a Prometheus label
        assert item.reason.replace("_", "").isalpha()
        assert item.cure.endswith(".")


def test_no_class_hides_a_narrower_one_below_it() -> None:
    kinds = [kind for kind, _ in REFUSALS]
    for place, kind in enumerate(kinds):
        assert not any(issubclass(later, kind) for later in kinds[place + 1 :])
