"""Recorded OTLP payloads and the rules by which what is made of them matches what took place."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from headrace.ingest.batch import Body

FIXTURES = Path(__file__).parent / "fixtures" / "otlp"
NOW = datetime(2026, 11, 23, tzinfo=UTC)

Json = Mapping[str, Any]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario of one convention."""

    id: str
    quality: str  # full, repaired, partial, no_content
    spans: int
    expected: dict[str, Any]
    files: list[dict[str, Any]]
    folder: str

    @property
    def episodes(self) -> list[dict[str, Any]]:
        return list(self.expected["episodes"])

    @property
    def needs_link(self) -> bool:
        """Whether only their histories join its calls: several traces and no conversation id."""
        return any(
            len(one.get("trace_ids") or ()) > 1 and not one.get("conversation_id")
            for one in self.episodes
        )

    def bodies(self, project: str | None = None) -> list[Body]:
        """What was posted, in its order; other vendors' own HTTP calls are left out."""
        return [
            Body(
                seq=number,
                signal=file["signal"],
                content_type=file["content_type"].partition(";")[0],
                payload=(FIXTURES / self.folder / file["file"]).read_bytes(),
                received_at=NOW,
                project=project,
            )
            for number, file in enumerate(self.files, start=1)
            if file["signal"] in ("traces", "logs")
        ]


def entries(*qualities: str) -> list[Entry]:
    """All recorded scenarios, or those of some qualities."""
    found = [
        _entry(manifest.parent.name, raw)
        for manifest in sorted(FIXTURES.glob("*/manifest.json"))
        for raw in json.loads(manifest.read_text("utf-8")).get("fixtures", [])
    ]
    return [entry for entry in found if not qualities or entry.quality in qualities]


def _entry(folder: str, raw: Json) -> Entry:
    return Entry(
        id=raw["id"],
        quality=raw["expected"]["quality"],
        spans=raw["n_spans"],
        expected=raw["expected"],
        files=raw["files"],
        folder=folder,
    )


def truth(episode: Json) -> str:
    """An expected episode in the form in which episodes are compared."""
    known: Json = episode.get("carried") or {}
    usage = episode.get("usage") if known.get("usage", True) else None
    return form(
        episode["messages"],
        episode["trainable"],
        tools=_tool_names(episode["tools"]) if known.get("tools", True) else None,
        usage=(usage["input"], usage["output"]) if usage else None,
        failed=episode.get("error") is not None,
    )


def form(
    messages: Sequence[Json],
    trainable: Sequence[bool],
    *,
    tools: Sequence[str] | None,
    usage: tuple[int | None, int | None] | None,
    failed: bool,
) -> str:
    """Messages, mask, tools, usage; results at the end, which no model saw, are left out."""
    end = len(messages)
    while end and messages[end - 1]["role"] == "tool":
        end -= 1
    told = {
        "messages": [_row(message) for message in messages[:end]],
        "trainable": list(trainable)[:end],
        "tools": None if tools is None else sorted(set(tools)),
        "usage": usage and [tokens or 0 for tokens in usage],  # a failed call has no figures
        "failed": failed,
    }
    return json.dumps(told, sort_keys=True, ensure_ascii=False)


def skeleton(episode: Json) -> str:
    """What is left of an episode whose texts are gone: roles, and the tools that were called."""
    called = [
        [call["function"]["name"] for call in message.get("tool_calls") or ()]
        for message in episode["messages"]
    ]
    roles = [message["role"] for message in episode["messages"]]
    while roles and roles[-1] == "tool":
        roles.pop()
    return json.dumps([roles, called[: len(roles)]])


def _tool_names(tools: Sequence[Any]) -> list[str]:
    return [tool if isinstance(tool, str) else tool["function"]["name"] for tool in tools]


def _row(message: Json) -> list[object]:
    text, media = _content(message.get("content"))
    calls = [
        [call["id"], call["function"]["name"], parsed(call["function"]["arguments"])]
        for call in message.get("tool_calls") or ()
    ]
    told = parsed(text) if message["role"] == "tool" else text
    return [message["role"], told, media, message.get("tool_call_id"), sorted(calls, key=str)]


def _content(content: Any) -> tuple[str, list[Any]]:
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    media = [part for part in parts if part["type"] != "text"]
    return "\n".join(texts).replace("\r\n", "\n").strip(), media


def parsed(text: object) -> object:
    """The value of a JSON text; another text as it is."""
    try:
        return json.loads(str(text))
    except ValueError:
        return text


def differences(found: Sequence[str], expected: Sequence[str]) -> Iterator[str]:
    """What to read where two sets of episodes differ."""
    for label, ours, theirs in (("found", found, expected), ("missing", expected, found)):
        for text in ours:
            if text not in theirs:
                yield f"{label}: {text}"
