from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.curate.conversation import Conversation
from headrace.exporters import gate
from headrace.exporters.eligibility import Finding
from headrace.exporters.errors import (
    EvalLeak,
    LossyFormat,
    NoSuite,
    NothingToExport,
    OneLabelOnly,
    TooFew,
    TooLarge,
    UnusableName,
)
from headrace.exporters.formats.dialect import Shape, Written
from headrace.exporters.formats.loss import HARMLESS, MEANING, SHOWN, LossReport, LossTally, meaning
from headrace.exporters.formats.registry import Format
from headrace.exporters.objective import Objective
from headrace.exporters.pair import Made, Mined
from headrace.exporters.reason import ADVICE
from headrace.exporters.recipe import Recipe
from headrace.exporters.rowfile import RowFile
from headrace.exporters.selection import Selection, choose
from headrace.lake.message import Body

Make = Callable[..., Conversation]
Chosen = Callable[..., Selection]

RECIPE = Recipe(objective="sft", formats=("trl",))
ACCEPTS = Recipe(
    objective="sft", formats=("trl",), without_evals=True, accept_leaks=True, allow_lossy=True
)


@pytest.fixture
def chosen(episode: Make, standing: Callable[..., Any], said: Callable[..., Body]) -> Chosen:
    """The selection from episodes told as resolution and split."""

    def select(objective: Objective, *told: tuple[str, str]) -> Selection:
        talks = [
            episode(
                f"e{i}",
                messages=[said("user", "hi"), said("assistant", f"a{i}")],
                resolution=resolution,
            )
            for i, (resolution, _) in enumerate(told)
        ]
        known = {f"e{i}": standing(split=split) for i, (_, split) in enumerate(told)}
        made = Made(chosen="e0", rejected="e1", turn=1)
        alone = {"e0": Finding(reason="no_opposite")}
        paired = Mined(pairs=(made,) if told[1:] else (), alone=alone)
        return choose(
            talks,
            known,
            objective,
            paired=paired if objective == "dpo" else None,
            read=lambda names: [talk for talk in talks if talk.episode_id in names],
        )

    return select


def lost(format: str, *seen: tuple[str, str]) -> LossReport:
    """The report of codes and rows."""
    tally, told = LossTally(format), ""
    for code, row_id in seen:
        if row_id != told:
            tally.turn(row_id)
        told = row_id
        tally(code)
    return tally.report


def test_without_a_suite_nothing_says_whether_training_helps() -> None:
    with pytest.raises(NoSuite, match="'shop'.*headrace eval build.*--without-evals"):
        gate.check_suites("shop", {}, RECIPE)
    gate.check_suites("shop", {"support": 1}, RECIPE)
    gate.check_suites("shop", {}, ACCEPTS)


@pytest.mark.parametrize(
    ("objective", "told", "error", "cure"),
    [
        ("sft", [], NothingToExport, "no episode at all: send traces"),
        ("sft", [("pending", "train")], NothingToExport, "1 pending .send its outcome"),
        ("sft", [("failure", "train")] * 2, NothingToExport, "2 not_success .a failure: use it"),
        ("sft", [("success", "test")] * 2, NothingToExport, "all 2 rows are on the test side"),
        ("dpo", [("success", "train")], NothingToExport, "no_opposite"),
        ("kto", [("success", "train")] * 2, OneLabelOnly, "outcomes of failures"),
        ("kto", [("failure", "train")], OneLabelOnly, "outcomes of successes"),
        ("kto", [("failure", "train"), ("success", "test")], OneLabelOnly, "all 1 rows"),
    ],
)
def test_a_set_that_trains_nothing_is_refused_with_reasons(
    chosen: Chosen,
    objective: Objective,
    told: list[tuple[str, str]],
    error: type[Exception],
    cure: str,
) -> None:
    with pytest.raises(error, match=cure):
        gate.check_rows(chosen(objective, *told))


@pytest.mark.parametrize(
    ("objective", "told"),
    [
        ("sft", [("success", "train")]),
        ("sft", [("success", "train"), ("pending", "train"), ("success", "test")]),
        ("kto", [("success", "train"), ("failure", "train")]),
        ("dpo", [("success", "train"), ("failure", "train")]),
    ],
)
def test_one_row_to_train_on_is_enough(
    chosen: Chosen, objective: Objective, told: list[tuple[str, str]]
) -> None:
    selection = chosen(objective, *told)
    gate.check_rows(selection)
    assert any(row.split == "train" for row in selection.rows)


def test_a_leak_names_three_episodes_with_case_and_rule() -> None:
    found = {
        f"e{i}": Finding(reason="contaminated:exact", because_of=f"c{i}" if i else None)
        for i in reversed(range(5))
    }
    with pytest.raises(EvalLeak, match=r"^5 episodes overlap") as refused:
        gate.check_leaks(found, RECIPE)
    said = str(refused.value)
    assert "episode e0 (contaminated:exact); episode e1 with case c1" in said
    assert "e2" in said and "e3" not in said and "--accept-leaks" in said
    assert gate.check_leaks(found, ACCEPTS) == 5
    assert gate.check_leaks({}, RECIPE) == 0


@pytest.mark.parametrize(
    ("code", "harmful"),
    [
        ("content_filled", False),
        ("reasoning_dropped", False),
        ("mask_unrolled", False),
        ("text_dropped", True),
        ("mask_inexpressible", True),
        ("calls_flattened", True),
        ("row_skipped:too_long", True),
        ("a_code_that_nobody_judged", True),
    ],
)
def test_what_changes_training_stops_a_build_unless_accepted(code: str, harmful: bool) -> None:
    report = lost("trl", (code, "r1"), (code, "r2"))
    assert bool(report.harmful) == harmful == (code not in HARMLESS)
    gate.check_loss([report], ACCEPTS)
    if not harmful:
        gate.check_loss([report], RECIPE)
        return
    with pytest.raises(LossyFormat, match=f"trl: {code}.* in 2 rows, first r1.*--allow-lossy"):
        gate.check_loss([report], RECIPE)


def test_every_format_that_loses_is_named() -> None:
    reports = [lost(name, ("text_dropped", "r")) for name in ("one", "two")]
    with pytest.raises(LossyFormat, match="one: .*; two: "):
        gate.check_loss([*reports, lost("three")], RECIPE)


def test_a_loss_that_stops_a_build_says_what_it_means() -> None:
    with pytest.raises(LossyFormat, match=r"calls_flattened \(calls become text, .*\) in 1 rows"):
        gate.check_loss([lost("sharegpt", ("calls_flattened", "r1"))], Recipe(objective="sft"))
    assert meaning("text_dropped:outer_whitespace") == (
        f"text_dropped:outer_whitespace ({MEANING['text_dropped']})"
    )
    assert meaning("row_skipped:made_up") == "row_skipped:made_up"


def test_a_loss_counts_rows_once_and_shows_the_first_few() -> None:
    seen = [(code, f"r{i}") for i in range(9) for code in ("b", "b", "a")[: 3 if i == 0 else 2]]
    one, other = lost("x", *seen).losses
    assert (one.code, one.count, one.row_ids) == ("a", 1, ("r0",))
    assert (other.count, other.row_ids) == (9, tuple(f"r{i}" for i in range(SHOWN)))


LIMITED = Format(
    name="made-up", about="x", objectives=("sft", "dpo"), least={"sft": 3}, most={"sft": 5},
    largest_mb=1,
)  # fmt: skip


def limits(
    place: Path,
    records: Mapping[str, int],
    *,
    sizes: Mapping[str, int] = {},
    losses: LossReport | None = None,
    objective: Objective = "sft",
    recipe: Recipe = RECIPE,
    written: bool = True,
) -> None:
    """Hold files of so many records and bytes against what a target takes."""
    for split in records if written else ():
        (place / f"{split}.jsonl").write_bytes(b"x" * sizes.get(split, 1))
    report = losses or lost("made-up")
    shape: Any = Shape.of("s", objective, RowFile.of([]))
    told: Any = {split: f"{split}.jsonl" for split in records}
    made = Written(
        shape=msgspec.structs.replace(shape, rows={"train": 7, "test": 1}),
        files=told,
        columns=(),
        longest=0,
        loss=msgspec.structs.replace(report, records=records),
    )
    gate.check_limits(LIMITED, made, place, recipe)


@pytest.mark.parametrize("records", [{"train": 3}, {"train": 5, "test": 9}])
def test_a_file_within_the_limits_of_its_target_is_taken(
    tmp_path: Path, records: dict[str, int]
) -> None:
    limits(tmp_path, records, sizes={"train": 1_000_000})


def test_a_file_of_too_few_records_is_refused_unless_that_is_accepted(tmp_path: Path) -> None:
    with pytest.raises(TooFew, match="made-up takes 3 records for sft at least, and there are 2"):
        limits(tmp_path, {"train": 2, "test": 9})
    limits(tmp_path, {"train": 2}, recipe=msgspec.structs.replace(RECIPE, accept_loss=("too_few",)))
    limits(tmp_path, {"train": 1}, objective="dpo")


def test_a_file_of_too_many_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="made-up takes 5 records for sft at most, .* 6 to train on"):
        limits(tmp_path, {"train": 6})
    limits(tmp_path, {"train": 9_999}, objective="dpo")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_file_that_is_too_large_is_refused_and_named(tmp_path: Path, split: str) -> None:
    with pytest.raises(TooLarge, match=rf"files of 1 MB at most, and {split}.jsonl has 2:"):
        limits(tmp_path, {"train": 3, "test": 1}, sizes={split: 1_000_001})


def test_a_folder_is_as_large_as_the_files_below_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "train.jsonl" / name).mkdir(parents=True)
        (tmp_path / "train.jsonl" / name / "x").write_bytes(b"x" * 500_001)
    with pytest.raises(TooLarge, match=r"files of 1 MB at most, and train.jsonl has 2:"):
        limits(tmp_path, {"train": 3}, written=False)


def test_a_format_that_can_say_no_row_to_train_on_is_refused_with_the_reasons(
    tmp_path: Path,
) -> None:
    seen = lost("made-up", ("row_skipped:too_long", "r1"), ("row_skipped:role_order", "r2"))
    told = (
        r"none of the 7 rows to train on \(row_skipped:role_order \(roles in an order that it does "
        r"not take, .*\), row_skipped:too_long\): choose"
    )
    with pytest.raises(LossyFormat, match=told):
        limits(tmp_path, {"test": 1}, losses=seen, recipe=ACCEPTS)
    with pytest.raises(LossyFormat, match="none was made"):
        limits(tmp_path, {})


def test_advice_is_one_line_each() -> None:
    assert all(said and "\n" not in said and "|" not in said for said in ADVICE.values())


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\rb", "a\x1b[2J", "a\u2028b", "\ud800", "\x00"]
)
def test_a_name_that_is_blank_or_breaks_its_line_is_refused(name: str) -> None:
    with pytest.raises(UnusableName, match="is no name for a data set.*: name it like") as refused:
        gate.check_name(name)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["refunds", "par[c]els", "Rückgaben 2026", "返金\u3000一"])
def test_a_name_of_one_line_is_taken(name: str) -> None:
    gate.check_name(name)
