"""One table of scorers: names, options, identities."""

import pytest

from headrace.evals.errors import UnknownScorer
from headrace.evals.scorers import table
from headrace.evals.scorers.table import SCORERS, Scorer, is_known, scoring


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("match", "match"),
        ("tool_calls", "tool_calls"),
        ("tool_calls:names", "tool_calls:names"),
        ("tool_calls:names,in_order", "tool_calls:in_order,names"),
        ("tool_calls:in_order,names", "tool_calls:in_order,names"),
        ("graded:partial", "graded:partial"),
        ("match:", "match"),
    ],
)
def test_a_scorer_is_filed_under_its_name_and_its_options_in_one_order(
    text: str, identity: str
) -> None:
    assert scoring(text).identity == identity
    assert scoring(identity).identity == identity


@pytest.mark.parametrize(
    "text", ["vibes", "", "match:names", "tool_calls:backwards", "match@2", "match@x", "mod:name"]
)
def test_what_is_not_in_the_table_is_refused_with_what_is(text: str) -> None:
    assert not is_known(text)
    with pytest.raises(UnknownScorer, match=r"tool_calls:in_order\|more\|names"):
        scoring(text)


def test_a_new_version_of_a_rule_is_another_series_and_the_old_one_keeps_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    newer = Scorer(name="match", about="newer", grade=SCORERS["match"].grade, version=3)
    monkeypatch.setattr(table, "SCORERS", {**SCORERS, "match": newer})
    assert scoring("match").identity == "match@3"
    assert is_known("match@2") and is_known("match@3") and not is_known("match@4")
    assert scoring("exact").identity == "exact"


def test_every_row_says_what_it_is_about() -> None:
    assert all(row.about and row.name == name for name, row in SCORERS.items())
    assert [name for name, row in SCORERS.items() if row.grade is None] == ["graded"]
