"""What the Hub refuses, said in one sentence with the cure; no token is ever in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from headrace.exporters.errors import HubError
from headrace.lake.errors import HeadraceError

_LOGIN = "run `hf auth login`, or set HF_TOKEN to a token with write access"
_AGAIN = "run the push again: what was uploaded is not sent twice"


@contextmanager
def told(repo: str, endpoint: str, token: str | None) -> Iterator[None]:
    """Say what goes wrong with a repository in one sentence. Raises HubError."""
    try:
        yield
    except HeadraceError:
        raise
    except Exception as error:
        sentence = said(error, repo, endpoint, token)
        if sentence is None:
            raise
        shown = sentence.replace(token, "<token>") if token else sentence
        raise HubError(shown) from None  # requests carry the token


def said(error: Exception, repo: str, endpoint: str, token: str | None) -> str | None:
    """The sentence for an error; None for one that no Hub and no network has made."""
    unknown = isinstance(error, HfHubHTTPError) and error.response.status_code == 401
    if isinstance(error, LocalTokenNotFoundError) or (unknown and token is None):
        return f"no token for the Hub is there: {_LOGIN}"
    if isinstance(error, HfHubHTTPError):
        return _answered(error, repo, endpoint)
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so that the Hub is not asked: unset it to push"
    if isinstance(error, HFValidationError):
        return f"{repo!r} is no name of a repository: write it like my-org/refunds"
    if type(error).__module__.partition(".")[0] in ("httpx", "httpx2"):
        why = type(error).__name__
        return f"{endpoint} cannot be reached ({why}): look at the network, HF_ENDPOINT and proxies"
    if isinstance(error, ValueError) and "metadata in README.md" in str(error):
        return f"the Hub refuses the card of {repo}: {_line(str(error))}"
    if isinstance(error.__cause__, Exception):  # the client wraps what happens to a single file
        inner = said(error.__cause__, repo, endpoint, token)
        if inner is not None:
            return inner
    if isinstance(error, OSError | RuntimeError):  # of the storage behind the Hub
        return f"the upload to {repo} broke off ({_line(str(error))}): {_AGAIN}"
    return None


def _answered(error: HfHubHTTPError, repo: str, endpoint: str) -> str:
    status, why = error.response.status_code, _line(error.server_message or "")
    if isinstance(error, GatedRepoError):
        page = f"{endpoint}/datasets/{repo}"
        return f"{repo} is gated and not open to this account: ask for access at {page}"
    if status == 401:
        return f"the Hub does not know this token: {_LOGIN}"
    if status == 403:
        return (
            f"this token may not write to {repo} ({why}): make one with write access at "
            f"{endpoint}/settings/tokens and set HF_TOKEN to it, or push with --pr"
        )
    if isinstance(error, RepositoryNotFoundError) or status == 404:
        return (
            f"this token sees no repository {repo}: look at the name, and whether the token "
            "reaches that organisation"
        )
    if status in (409, 412):
        return f"somebody else changed {repo} at the same time: run the push again"
    if status == 429:
        wait = error.response.headers.get("retry-after")
        when = f"in {wait} s" if wait else "in some minutes"
        return f"the Hub takes no more requests from this account now (429): push again {when}"
    if status >= 500:
        return f"the Hub is out of order now ({status}): later, {_AGAIN}"
    return f"the Hub refuses the push to {repo} ({status}): {why or 'it gives no reason'}"


def _line(text: str) -> str:
    """A text as one line, cut where it is long."""
    return " ".join(text.split())[:300]
