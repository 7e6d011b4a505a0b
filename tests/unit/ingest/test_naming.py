"""Names that become keys in the lake: what is refused, what is mended, and where."""

import json
from typing import Any

import pytest

from headrace.ingest import naming, posted
from headrace.ingest.errors import Undecodable
from headrace.ingest.naming import ID_CHARS, PROJECT_CHARS
from headrace.ingest.reader import check

NDJSON = "application/x-ndjson"
TALK = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
CONTROLS = ["\x00", "\x01", "\n", "\x1f", "\x7f", "\x85"]
FIELDS = ["id", "project", "conversation", "user", "release", "model"]
TARGETS = ["conversation", "episode", "external_id", "response_id"]


def text(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_character_makes_no_key(control: str) -> None:
    with pytest.raises(Undecodable, match="id holds a control character: give at most 1,000"):
        naming.checked("id", f"a{control}b")
    assert naming.usable(naming.mended(f"a{control}b"))


@pytest.mark.parametrize("name", ["a", "", "é", "👩‍💻", "a b", "x" * ID_CHARS])
def test_any_other_text_is_a_key_and_stays_as_it_is(name: str) -> None:
    naming.checked("id", name)
    assert naming.mended(name) == name


def test_a_key_has_a_length() -> None:
    with pytest.raises(Undecodable, match="id has 1,001 characters: give at most 1,000"):
        naming.checked("id", "x" * (ID_CHARS + 1))
    naming.checked("id", None)


@pytest.mark.parametrize("field", FIELDS)
def test_a_line_with_a_bad_name_is_refused_and_its_neighbours_are_kept(field: str) -> None:
    good = [text(id=name, messages=TALK) for name in ("a", "b")]
    bad = text(**{"messages": TALK, field: "x\x00y"})
    accepted = check("episodes", NDJSON, b"\n".join([good[0], bad, good[1]]), None)
    assert accepted.ids == ("a", "b")
    assert accepted.error.startswith(f"line 2: {field} holds a control character: give at most")
    assert accepted.kept == b"\n".join(good)


@pytest.mark.parametrize(
    "fields",
    [*({field: "x\x00"} for field in TARGETS),
     *({"episode": "e", field: "x\x00"} for field in ("id", "project", "name")),
     {"episode": "e", "project": "x" * (PROJECT_CHARS + 1)}],
)  # fmt: skip
def test_an_outcome_with_a_bad_name_is_refused(fields: dict[str, str], now: Any) -> None:
    with pytest.raises(Undecodable, match=f"{list(fields)[-1]} h"):
        posted.outcomes(text(success=True, **fields), project=None, received_at=now)


def test_a_bad_key_in_the_metadata_is_refused(now: Any) -> None:
    line = text(messages=TALK, metadata={"external_id": "\x01"})
    with pytest.raises(Undecodable, match=r"metadata\.external_id holds"):
        posted.episodes(line, project=None, received_at=now)


def test_a_trace_with_bad_names_is_kept_and_its_names_are_mended(read: Any) -> None:
    said = {
        "headrace.project": "p\x00" + "x" * PROJECT_CHARS,
        "headrace.external_id": "o\x00",
        "session.id": "c\x00",
        "user.id": "u\n",
        "service.version": "r\x1f",
    }
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in said.items()]
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
    scope = {"spans": [{**span, "name": "x", "attributes": attributes}]}
    payload = text(resourceSpans=[{"scopeSpans": [scope]}])
    [row] = read("traces", "application/json", payload).spans
    assert row.project == "p\ufffd".ljust(PROJECT_CHARS, "x")
    assert (row.conversation_id, row.user_id, row.release) == ("c\ufffd", "u\ufffd", "r\ufffd")
    assert json.loads(row.attributes)["headrace.external_id"] == "o\ufffd"


def test_an_episode_that_cannot_be_named_is_not_there(door: Any) -> None:
    assert door.get("/v1/episodes/a%00b").status_code == 404
