"""What a row is taken to say, part by part, and the sentence that refuses it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.evals.errors import ScoresRefused
from headrace.evals.scores.picks import Line, Picks, picked

ROW = {"release": "v1", "case_id": "a", "value": 1}
Pick = Callable[..., list[Line]]


@pytest.fixture
def pick(tmp_path: Path) -> Pick:
    """The lines of these rows."""

    def run(*rows: dict[str, Any], named: str | None = None, **expressions: Any) -> list[Line]:
        file = tmp_path / "s.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return picked(file, Picks(**expressions), named)

    return run


@pytest.mark.parametrize(
    ("given", "value"),
    [
        *[(0, 0.0), (1, 1.0), (0.25, 0.25), (1e-300, 1e-300), (-0.0, 0.0)],
        *[(True, 1.0), (False, 0.0), ("true", 1.0), ("FALSE", 0.0), ("True", 1.0)],
        *[("0.5", 0.5), (" 1 ", 1.0), ("1e-3", 0.001)],
        *[(None, None), ("", None), (float("nan"), None), ("NaN", None)],
    ],
)
def test_a_value_is_a_number_from_zero_to_one_or_absent(
    pick: Pick, given: object, value: float | None
) -> None:
    assert [line.value for line in pick({**ROW, "value": given})] == [value]


@pytest.mark.parametrize(
    "given",
    [
        *[1.0000001, -0.0001, 2, -1, 100, float("inf"), "-inf", 10**400],
        *["pass", "yes", "50 %", "1_0", [1], {"value": 1}],
    ],
)
def test_a_value_off_the_scale_is_refused_and_never_guessed(pick: Pick, given: object) -> None:
    with pytest.raises(ScoresRefused, match=r"s\.jsonl, line 2: value .* is not in \[0, 1\]"):
        pick(ROW, {**ROW, "value": given})


@pytest.mark.parametrize(
    ("given", "value"),
    [
        *[("pass", 1.0), ("Satisfied ", 1.0), ("fail", 0.0), ("FAIL", 0.0), (" Fail", 0.0)],
        *[("true", 1.0), ("0.5", 0.5), (1, 1.0), (False, 0.0), ("", None), (None, None)],
    ],
)
def test_words_mean_what_they_are_said_to(pick: Pick, given: object, value: float | None) -> None:
    words = {"passing": ("pass", "satisfied"), "failing": ("fail",)}
    assert [line.value for line in pick({**ROW, "value": given}, **words)] == [value]


@pytest.mark.parametrize(("given", "words"), [("compliant", ("pass",)), ("pass", ())])
def test_a_word_that_nobody_explained_is_refused_with_the_option(
    pick: Pick, given: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(
        ScoresRefused, match=rf"line 1: value '{given}' .* `--pass WORD` .*`--fail WORD`"
    ):
        pick({**ROW, "value": given}, passing=words)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (87, 0.87),
        ("87", 0.87),
        ("87 %", 0.87),
        ("87.5%", 0.875),
        (0, 0.0),
        (True, 1.0),
        ("N/A", None),
    ],
)
def test_percentages_and_words_for_nothing_are_read_where_they_are_announced(
    pick: Pick, given: object, value: float | None
) -> None:
    read = pick({**ROW, "value": given}, out_of=100, absent=("n/a",))
    assert [line.value for line in read] == [value]


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        (87, "--out-of 100"),
        ("87 %", "--out-of 100"),
        ("0,5", "decimals with a point"),
        ("N/A", "--absent"),
    ],
)
def test_a_refused_value_has_its_own_cure(pick: Pick, given: object, cure: str) -> None:
    with pytest.raises(ScoresRefused, match=cure):
        pick({**ROW, "value": given})


def test_a_name_that_is_no_field_is_told_how_to_name_a_scorer_for_all_rows(pick: Pick) -> None:
    with pytest.raises(ScoresRefused, match="for one name for all, `--scorer \"'human'\"`"):
        pick(ROW, scorer="human")


@pytest.mark.parametrize("out_of", [0.0, -1.0, float("inf"), float("nan")])
def test_a_scale_ends_above_zero(pick: Pick, out_of: float) -> None:
    with pytest.raises(ScoresRefused, match="--out-of"):
        pick(ROW, out_of=out_of)


def test_a_word_cannot_mean_both(pick: Pick) -> None:
    with pytest.raises(ScoresRefused, match="'ok' cannot mean both"):
        pick(ROW, passing=("OK",), failing=("ok ",))


def test_a_refusal_shows_the_beginning_of_a_value_alone(pick: Pick) -> None:
    with pytest.raises(ScoresRefused) as refused:
        pick({**ROW, "value": "an answer where a value should stand " * 99})
    assert len(str(refused.value)) < 400


# 0 is a value and no falsehood in JMESPath
WORDS = """contains(`["pass", "satisfied"]`, word) && `1` || word == 'fail' && `0` || `null`"""


@pytest.mark.parametrize(
    ("expression", "row", "value"),
    [
        *[("word == 'pass'", {"word": w}, v) for w, v in (("pass", 1.0), ("no", 0.0))],
        *[("word == 'pass'", row, None) for row in ({"word": None}, {})],
        *[("!failed", row, v) for row, v in (({"failed": False}, 1.0), ({"failed": None}, None))],
        *[("pred == answer", {"pred": p, "answer": "B"}, v) for p, v in (("B", 1.0), (None, None))],
        *[(WORDS, {"word": w}, v) for w, v in (("satisfied", 1.0), ("fail", 0.0), ("hm", None))],
        ("grades[0].points", {"grades": [{"points": "0.5"}]}, 0.5),
    ],
)
def test_a_comparison_with_nothing_measured_nothing(
    pick: Pick, expression: str, row: dict[str, Any], value: float | None
) -> None:
    other = {"word": "pass", "failed": True, "pred": "A", "answer": "A", "grades": []}
    about = {"release": "v1", "case_id": "a"}
    found = pick({**about, **row}, {**about, **other}, value=expression)
    assert found[0].value == value


def test_content_is_what_is_asked_for_and_no_field_of_that_name(pick: Pick) -> None:
    rows = [{**ROW, "content": "an answer", "question": text} for text in ("when?", "where?")]
    assert [line.content for line in pick(*rows)] == [None, None]
    first, second = pick(*rows, content="question")
    assert first.content and second.content and first.content != second.content
    again, _ = pick(*rows, content="[question, case_id]")
    assert again.content not in (first.content, None)


def test_content_that_is_asked_for_is_part_of_what_makes_a_copy(pick: Pick) -> None:
    rows = [{**ROW, "question": text} for text in ("when?", "where?")]
    plain, asked = pick(*rows), pick(*rows, content="question")
    assert plain[0].identity == plain[1].identity
    assert asked[0].identity != asked[1].identity
    assert plain[0].identity == asked[0].identity[:-1], "runs loaded before keep their names"


@pytest.mark.parametrize(
    ("given", "epoch"),
    [(0, 0), ("0", 0), (1, 1), (7, 7), (3.0, 3), ("2", 2), ("2.0", 2), (None, None), ("", None)],
)
def test_an_epoch_is_a_whole_number_or_not_given(
    pick: Pick, given: object, epoch: int | None
) -> None:
    assert [line.epoch for line in pick({**ROW, "epoch": given})] == [epoch]


@pytest.mark.parametrize(
    "given",
    [-1, 1.5, "one", True, "true", "nan", float("inf"), 1e300, 10**400, 2**53, [1]],
)
def test_an_epoch_that_counts_nothing_is_refused_with_the_cure(pick: Pick, given: object) -> None:
    with pytest.raises(ScoresRefused, match=r"line 1: epoch .* from 0: number the trials"):
        pick({**ROW, "epoch": given})


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("20260301", datetime(2026, 3, 1, tzinfo=UTC)),  # a date, not 20 million seconds
        ("2026-03-01T10:00:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        (1772359200, datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (1772359200.5, datetime(2026, 3, 1, 10, 0, 0, 500000, tzinfo=UTC)),
        ("1772359200", datetime(2026, 3, 1, 10, tzinfo=UTC)),  # as CSV has it
        ("1772359200.5", datetime(2026, 3, 1, 10, 0, 0, 500000, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_a_time_is_iso_or_seconds_and_always_utc(
    pick: Pick, given: object, at: datetime | None
) -> None:
    [line] = pick({**ROW, "at": given})
    assert line.at == at
    assert at is None or (line.at is not None and line.at.tzinfo is UTC)


@pytest.mark.parametrize(
    "given",
    [
        *["noon", "2026", "2026-13-01", "0001-01-01T00:00:00+14:00", "1772359200000"],
        *[1e30, float("nan"), True, [2026]],
    ],
)
def test_what_is_no_time_is_refused(pick: Pick, given: object) -> None:
    with pytest.raises(ScoresRefused, match=r"line 1: at .* is no time: give ISO 8601"):
        pick({**ROW, "at": given})


@pytest.mark.parametrize("part", ["run", "scorer", "slice", "cluster"])
def test_names_are_texts_and_an_empty_one_is_none(pick: Pick, part: str) -> None:
    given = [7, 0, "x y", "é", "", None]
    lines = pick(*({**ROW, part: name} for name in given))
    missing = "score" if part == "scorer" else None
    assert [getattr(line, part) for line in lines] == ["7", "0", "x y", "é", missing, missing]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"case_id": ""}, "line 1: no case: every row needs one"),
        ({"release": None}, "line 1: no release"),
        ({"case_id": ["a"]}, "line 1: case is a list: pick a text or a number"),
        ({"release": {"name": "v1"}}, "line 1: release is a dict"),
        ({"slice": [1]}, "line 1: slice is a list"),
        ({"cluster": "\ud800"}, "line 1: cluster holds half a character"),
        ({"case_id": "a\udfff"}, "line 1: case holds half a character"),
    ],
)
def test_a_name_that_names_nothing_is_refused_by_line_and_part(
    pick: Pick, row: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ScoresRefused, match=complaint):
        pick({**ROW, **row}, ROW)


def test_a_complaint_never_shows_other_fields_of_the_row(pick: Pick) -> None:
    with pytest.raises(ScoresRefused) as refused:
        pick({**ROW, "value": 7, "answer": "my card is 4111"})
    assert "4111" not in str(refused.value)


def test_case_numbers_and_texts_of_the_same_look_are_one_case(pick: Pick) -> None:
    assert len({line.case_id for line in pick({**ROW, "case_id": 7}, {**ROW, "case_id": "7"})}) == 1


def test_the_release_given_stands_before_that_of_the_rows(pick: Pick) -> None:
    assert [line.release for line in pick(ROW, named="v9")] == ["v9"]
    assert [line.release for line in pick({"case_id": "a", "value": 1}, named="v9")] == ["v9"]


@pytest.mark.parametrize(
    ("part", "expression", "value", "found"),
    [
        ("case", "id", {"id": "q1"}, "q1"),
        ("case", "meta.id", {"meta": {"id": "q1"}}, "q1"),
        ("case", "join('-', [set, id])", {"set": "s", "id": "q1"}, "s-q1"),
        ("case", "a.b", {"a.b": "a field of that very name", "a": {"b": "inner"}}, "a field of"),
        ("case", "question-id", {"question-id": "q1"}, "q1"),  # no JMESPath without quotes
        ("slice", "tags[0]", {"tags": ["easy", "long"]}, "easy"),
        ("scorer", "'exact'", {}, "exact"),
    ],
)
def test_an_expression_is_a_field_name_first_and_jmespath_then(
    pick: Pick, part: str, expression: str, value: dict[str, Any], found: str
) -> None:
    [line] = pick({**ROW, **value}, **{part: expression})
    assert str(getattr(line, "case_id" if part == "case" else part)).startswith(found)


@pytest.mark.parametrize(
    ("expressions", "complaint"),
    [
        ({"value": "score"}, r"value = 'score' finds nothing in any row; the fields are: case_id,"),
        ({"case": "case"}, r"Say where it is with `--case EXPRESSION`"),
        ({"release": "version"}, r"Say where it is with `--release-expr EXPRESSION`"),
        ({"cluster": "customer"}, r"cluster = 'customer' finds nothing"),  # asked for, so needed
        ({"value": "score ==="}, r"value = 'score ===' is no JMESPath expression"),
        ({"value": "sum(case_id)"}, r"value = 'sum\(case_id\)'"),
        ({"value": "nofunction(case_id)"}, r"value = 'nofunction\(case_id\)'"),
    ],
)
def test_an_expression_that_finds_nothing_is_refused_with_the_option(
    pick: Pick, expressions: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ScoresRefused, match=complaint):
        pick(ROW, **expressions)


def test_a_field_that_is_null_everywhere_is_still_there(pick: Pick) -> None:
    assert [line.value for line in pick({**ROW, "value": None})] == [None]


def test_a_part_that_only_some_rows_have_is_absent_from_the_others(pick: Pick) -> None:
    lines = pick(ROW, {**ROW, "cluster": "acme", "epoch": 2})
    assert [(line.cluster, line.epoch) for line in lines] == [(None, None), ("acme", 2)]


def test_an_empty_file_is_refused(pick: Pick) -> None:
    with pytest.raises(ScoresRefused, match=r"s\.jsonl: no rows: give one row per attempt"):
        pick()


def test_two_lines_are_copies_if_all_but_their_place_is_the_same(pick: Pick) -> None:
    first, second, other = pick(ROW, ROW, {**ROW, "value": 0})
    assert first.where != second.where
    assert first.identity == second.identity != other.identity


_LINE = st.fixed_dictionaries(
    {
        "release": st.sampled_from(["v1", "v2"]),
        "case_id": st.integers(0, 3) | st.sampled_from(["a", "é", "a b"]),
        "value": st.none() | st.booleans() | st.floats(0, 1),
    },
    optional={"epoch": st.integers(1, 9), "at": st.integers(10**8, 2**31), "run": st.just("r")},
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(_LINE, min_size=1, max_size=4))
def test_csv_and_json_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("same")
    fields = sorted({name for row in rows for name in row})
    cells = [["" if row.get(name) is None else str(row[name]) for name in fields] for row in rows]
    (folder / "s.csv").write_text("\n".join(",".join(row) for row in [fields, *cells]) + "\n")
    (folder / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [
        [msgspec.structs.replace(line, where="") for line in picked(folder / name, Picks(), None)]
        for name in ("s.csv", "s.jsonl")
    ]
    assert said[0] == said[1]
