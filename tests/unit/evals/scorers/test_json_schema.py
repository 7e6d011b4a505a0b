"""JSON that a schema holds for; nothing is fetched, and a bad schema is the fault of its case."""

import json
from typing import Any

import pytest

from headrace.evals.errors import TargetUnusable
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.json_schema import json_schema

ORDER = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "note": {"$ref": "#/$defs/note"}},
    "required": ["id"],
    "additionalProperties": False,
    "$defs": {"note": {"type": "string", "maxLength": 3}},
}


def holds(said: str, schema: Any = ORDER, *options: str) -> bool:
    return json_schema(Answer(text=said), json.dumps(schema), frozenset(options))


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ('{"id": 7}', True),
        (' {"id": 7, "note": "abc"} ', True),
        ('{"id": 7, "note": "abcd"}', False),
        ('{"id": "7"}', False),
        ('{"id": 7, "more": 1}', False),
        ("{}", False),
        ('Here it is: {"id": 7}', False),
        ('{"id": NaN}', False),
        ("", False),
        ("[" * 100_000, False),
    ],
)
def test_the_whole_answer_is_json_and_the_schema_holds(said: str, right: bool) -> None:
    assert holds(said) is right


def test_a_fence_is_taken_off_only_where_the_case_says_so() -> None:
    said = '```json\n{"id": 7}\n```\n'
    assert not holds(said)
    assert holds(said, ORDER, "fenced")
    assert holds('{"id": 7}', ORDER, "fenced")


def test_an_older_draft_is_read_by_its_own_rules() -> None:
    older = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3}
    older |= {"exclusiveMaximum": True}
    assert holds("2", older) and not holds("3", older)


@pytest.mark.parametrize(
    "target", ["no JSON", '{"type": "text"}', '{"$ref": "https://example.com/order.json"}', "7"]
)
def test_a_schema_that_cannot_be_used_says_so(target: str) -> None:
    with pytest.raises(TargetUnusable, match="schema"):
        json_schema(Answer(text="{}"), target)
