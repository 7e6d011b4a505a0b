import numpy as np
import pytest

from headrace.curate.labels.family import SHARED, Proposal, propose
from headrace.curate.labels.vote import Vote
from tests.unit.curate.labels.conftest import vote


def votes(
    *, audited: int, common: float, slips: float = 0.0, hit: float = 0.9, reject: float = 0.9
) -> list[Vote]:
    """Two judges on audited episodes, half of them successes; every fifth is audited twice."""
    generator = np.random.default_rng(11)
    truth = generator.random(audited) < 0.5
    errs = generator.random((2, audited)) >= np.where(truth, hit, reject)
    errs[1] = np.where(generator.random(audited) < common, errs[0], errs[1])
    slip = generator.random((2, audited)) < slips
    found = []
    for i, good in enumerate(truth):
        episode = f"{i:05d}"
        for name, row in zip("ab", errs, strict=True):
            said = int(good != row[i])
            found.append(vote(said, source="judge", name=name, episode_id=episode))
        for author, row in zip(("ann", "ben"), slip, strict=True):
            if author == "ann" or i % 5 == 0:
                said = int(good != row[i])
                found.append(
                    vote(said, source="human", name="audit", author=author, episode_id=episode)
                )
    return found


def correlations(found: list[Proposal]) -> list[float]:
    return [pair.correlation for pair in found]


def test_errors_in_common_are_found() -> None:
    assert correlations(propose(votes(audited=3_000, common=0.6))) == [pytest.approx(0.6, abs=0.07)]


def test_two_that_are_merely_lenient_are_no_family() -> None:
    # Errors over all correlate at .35 here, because nearly all are on failures.
    assert propose(votes(audited=3_000, common=0.0, hit=0.99, reject=0.3)) == []


def test_errors_of_the_auditors_make_no_family_and_hide_none() -> None:
    assert propose(votes(audited=4_000, common=0.0, slips=0.1)) == []
    found = propose(votes(audited=4_000, common=0.6, slips=0.1))
    assert correlations(found) == [pytest.approx(0.6, abs=0.12)]


def test_few_audits_tell_nothing() -> None:
    assert propose(votes(audited=SHARED - 1, common=1.0)) == []
    assert len(propose(votes(audited=SHARED, common=1.0))) == 1


def test_witnesses_that_never_err_are_no_family() -> None:
    assert propose(votes(audited=400, common=0.0, hit=1.0, reject=1.0)) == []
