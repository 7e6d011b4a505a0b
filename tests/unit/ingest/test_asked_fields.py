"""Which fields an expression asks a record for: a typo must not mark every row a failure."""

import pytest

from headrace.ingest.errors import BadPick
from headrace.ingest.picks import Picker, Picks

RECORD = {"chat": [{"role": "user", "content": "hi"}], "solved": "yes", "info": {"reward": 1}}


def picker(success: str) -> Picker:
    return Picker(Picks(messages="chat", success=success))


@pytest.mark.parametrize(
    "expression",
    [
        "solved == 'yes'",
        "info.reward == `1`",
        "info.nothing",
        "solved && info.reward",
        "!solved",
        "to_string(solved)",
        "solvd || solved",
        "solvd || `false`",
        "chat[?role == 'user'] | [0].content",
        "chat[*].content",
        "{a: solved}.a",
        "[solved, info][0]",
        "length(@)",
        "`true`",
    ],
)
def test_an_expression_over_fields_there_are_is_taken(expression: str) -> None:
    found = picker(expression)
    found.prove([RECORD])
    assert "success" in found.pick(RECORD)


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("solvd", "'solvd'"),
        ("solvd == 'yes'", "'solvd'"),
        ("solved == yes", "'yes'"),
        ("solved && rewrd", "'rewrd'"),
        ("!solvd", "'solvd'"),
        ("to_string(solvd)", "'solvd'"),
        ("solvd || slved", "'slved' or 'solvd'"),
        ("solvd.x[0]", "'solvd'"),
        ("[solved, rewrd]", "'rewrd'"),
        ("{a: rewrd}", "'rewrd'"),
    ],
)
def test_a_field_that_is_not_there_is_named_with_those_that_are(
    expression: str, named: str
) -> None:
    with pytest.raises(BadPick) as refused:
        picker(expression).prove([RECORD])
    assert f"no field {named}; there are: chat, solved, info" in str(refused.value)
