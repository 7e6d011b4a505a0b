"""The name of a release: the product's own, or a hash of what makes the behaviour."""

from headrace.lake.message import Body, digest, dump

_DIGITS = 12
_HASHED = "h:"  # begins the name of a release that the product named not


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
    return _HASHED + digest(dump([system_text or "", model or "", schemas]))[:_DIGITS]


def is_given(release: str | None) -> bool:
    """Whether the product named a release; others are named by a hash."""
    return release is not None and not release.startswith(_HASHED)


def system_text(messages: list[Body]) -> str:
    """The system prompt that opens a conversation, empty where there is none."""
    if not messages or messages[0]["role"] != "system":
        return ""
    content = messages[0]["content"]
    return content if isinstance(content, str) else dump(content)
