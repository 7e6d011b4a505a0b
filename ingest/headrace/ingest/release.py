"""The name of a release: the product's own, or a hash of what makes the behaviour."""

from headrace.lake.message import Body, digest, dump

_DIGITS = 12


def release_of(
    given: str | None,
    system_text: str | None,
    model: str | None,
    tools: list[Body] | None,
) -> str:
    """The given name, else `h:` and 12 hex digits over system prompt, model and tool schemas.

    The order in which tools are listed does not make another release.
    """
    if given:
        return given
    schemas = sorted(dump(tool) for tool in tools or [])
    return "h:" + digest(dump([system_text or "", model or "", schemas]))[:_DIGITS]


def system_text(messages: list[Body]) -> str:
    """The system prompt that opens a conversation, empty where there is none."""
    if not messages or messages[0]["role"] != "system":
        return ""
    content = messages[0]["content"]
    return content if isinstance(content, str) else dump(content)
