"""The gist of a message: what a recorded answer and its echo in a later call have in common."""

from headrace.ingest.memo import Memo
from headrace.lake.message import Body, digest, text_of


def gist(body: Body) -> str:
    """A digest of the tool calls, by id or else by name, or of the text where there are none."""
    return _gist(body)


def _digested(body: Body) -> str:
    calls = [
        str(call.get("id") or call["function"]["name"]) for call in body.get("tool_calls") or ()
    ]
    text = text_of(body.get("content")).replace("\r\n", "\n").strip()
    return digest("\n".join([body["role"], *sorted(calls)] if calls else [body["role"], "", text]))


_gist = Memo(_digested)
