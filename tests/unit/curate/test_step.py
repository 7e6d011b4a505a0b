"""The sum of a step's decisions."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.step import StepResult
from headrace.lake.record import Decision, Resolution
from tests.unit.curate.conftest import NOW


def decision(kept: bool, reason: str) -> Decision:
    return Decision(
        project="p", step="s", version="s/1", episode_id="e", kept=kept, reason=reason, at=NOW
    )


DECISIONS = st.lists(st.builds(decision, st.booleans(), st.sampled_from(get_args(Resolution))))


@given(DECISIONS)
def test_every_row_is_kept_or_dropped_for_a_reason(rows: list[Decision]) -> None:
    result = StepResult.of("s", iter(rows))
    assert (result.step, result.seen) == ("s", len(rows))
    assert result.kept + sum(result.dropped.values()) == result.seen
    assert set(result.dropped) == {row.reason for row in rows if not row.kept}
    assert all(result.dropped.values())


def test_reasons_are_told_by_their_weight_and_a_kept_row_gives_none() -> None:
    rows = [decision(False, "a"), *[decision(False, "b")] * 2, decision(True, "c")]
    assert list(StepResult.of("s", rows).dropped.items()) == [("b", 2), ("a", 1)]


def test_the_notes_of_one_result_are_its_own() -> None:
    notes = {"cases": 1}
    result = StepResult.of("s", [], notes)
    notes["cases"] = 2
    assert (result.notes, StepResult.of("s", []).notes) == ({"cases": 1}, {})
