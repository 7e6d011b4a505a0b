from collections.abc import Mapping

import httpx2
import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from headrace.exporters.errors import HubError, NotPushed
from headrace.exporters.hub import refusal

HUB = "https://hub.example"
TOKEN = "hf_verysecretverysecret"


def answer(
    status: int,
    message: str = "",
    kind: type[HfHubHTTPError] = HfHubHTTPError,
    headers: Mapping[str, str] | None = None,
) -> HfHubHTTPError:
    request = httpx2.Request("POST", f"{HUB}/api", headers={"authorization": f"Bearer {TOKEN}"})
    response = httpx2.Response(status, request=request, headers=headers)
    return kind("long\ntext", response=response, server_message=message)


def wrapped(cause: Exception) -> Exception:
    """As the client tells of a single file."""
    try:
        raise RuntimeError("Error while uploading 'a.parquet'") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (answer(401), "the Hub does not know this token: run `hf auth login`"),
        (answer(403, "no rights"), r"may not write to my/set \(no rights\): make one with write"),
        (answer(404), "this token sees no repository my/set"),
        (answer(403, kind=GatedRepoError), "gated and not open to this account: ask for access"),
        (answer(409), "somebody else changed my/set"),
        (answer(412), "somebody else changed my/set"),
        (answer(429, headers={"retry-after": "30"}), "push again in 30 s"),
        (answer(429), "push again in some minutes"),
        (answer(503), r"out of order now \(503\)"),
        (answer(413, "too\nbig"), r"refuses the push to my/set \(413\): too big"),
        (answer(418), r"\(418\): it gives no reason"),
        (wrapped(answer(429)), "push again in some minutes"),
        (wrapped(ValueError("odd")), r"broke off \(Error while uploading 'a\.parquet'\)"),
        (LocalTokenNotFoundError(), "no token for the Hub is there: run `hf auth login`"),
        (OfflineModeIsEnabled(), "HF_HUB_OFFLINE is set"),
        (HFValidationError("bad"), "'my/set' is no name of a repository"),
        (httpx2.ConnectError("refused"), r"hub\.example cannot be reached \(ConnectError\)"),
        (ValueError("Invalid metadata in README.md.\n- x"), "refuses the card of my/set: Inv"),
        (RuntimeError("xet\nis away"), r"broke off \(xet is away\): run the push again"),
    ],
)
def test_every_error_of_the_hub_is_one_line_with_the_cure(error: Exception, sentence: str) -> None:
    with pytest.raises(HubError, match=sentence) as refused, refusal.told("my/set", HUB, TOKEN):
        raise error
    assert "\n" not in str(refused.value)


def test_who_has_no_token_is_told_so() -> None:
    with pytest.raises(HubError, match="no token"), refusal.told("my/set", HUB, None):
        raise answer(401)


def test_a_token_that_somebody_echoes_is_not_shown() -> None:
    with pytest.raises(HubError) as refused, refusal.told("my/set", HUB, TOKEN):
        raise RuntimeError(f"bad header Bearer {TOKEN}")
    assert TOKEN not in str(refused.value)
    assert "Bearer <token>" in str(refused.value)


@pytest.mark.parametrize("error", [KeyError("ours"), NotPushed("no"), KeyboardInterrupt()])
def test_what_no_hub_has_made_goes_on_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, refusal.told("my/set", HUB, TOKEN):
        raise error
    assert raised.value is error
