"""Rows made into runs: by release and run, each attempt once, releases in their order."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.evals.errors import ScoresRefused
from headrace.evals.scores.attempt import Measured
from headrace.evals.scores.picks import Picks
from headrace.evals.scores.table import read_rows

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
Rows = list[dict[str, Any]]
Tabled = Callable[..., tuple[list[Measured], int]]


@pytest.fixture
def tabled(tmp_path: Path) -> Tabled:
    """The runs in these files, each a list of rows, and how many rows were copies."""

    def read(*files: Rows, release: str | None = None) -> tuple[list[Measured], int]:
        return read_rows(written(tmp_path, files), Picks(), release, NOW)

    return read


def written(folder: Path, files: tuple[Rows, ...]) -> list[Path]:
    paths = [folder / f"{i}.jsonl" for i in range(len(files))]
    for path, rows in zip(paths, files, strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


def row(case: str, value: float | None, release: str = "v1", **more: Any) -> dict[str, Any]:
    return {"release": release, "case_id": case, "value": value, **more}


def attempts(runs: list[Measured]) -> list[tuple[str, str, int, float | None]]:
    return sorted((r.release, a.case_id, a.epoch, a.value) for r in runs for a in r.attempts)


def test_each_release_in_a_file_is_a_run(tabled: Tabled) -> None:
    runs, copies = tabled([row("a", 1), row("a", 0, "v2"), row("b", 1)])
    assert [(run.release, len(run.attempts)) for run in runs] == [("v1", 2), ("v2", 1)]
    assert copies == 0
    assert len({run.key for run in runs}) == 2


def test_each_named_run_is_a_run_across_files(tabled: Tabled) -> None:
    monday = [row("a", 1, run="monday")]
    runs, _ = tabled([*monday, row("a", 0, run="tuesday")], [row("b", 1, run="monday")])
    assert [[a.case_id for a in run.attempts] for run in runs] == [["a", "b"], ["a"]]


def test_a_run_is_named_within_its_release(tabled: Tabled) -> None:
    runs, _ = tabled([row("a", 1, run="nightly"), row("a", 0, "v2", run="nightly")])
    assert len({run.key for run in runs}) == 2


def test_the_key_of_a_run_is_its_content_or_its_name_and_never_its_file(tabled: Tabled) -> None:
    rows = [row("a", 1), row("b", 0)]
    [first], _ = tabled(rows)
    [moved], _ = tabled(rows)
    [other], _ = tabled([row("a", 1), row("b", 1)])
    assert first.key == moved.key != other.key
    [named], _ = tabled([row("a", 1, run="nightly")])
    [grown], _ = tabled([row("a", 1, run="nightly"), row("b", 1, run="nightly")])
    assert named.key == grown.key


def test_cases_with_more_rows_than_most_are_counted(tabled: Tabled) -> None:
    [run], _ = tabled([*(row(name, 1) for name in "abc"), row("a", 1)])
    assert (len(run.attempts), run.uneven) == (4, 1)
    [even], _ = tabled([row(name, 1) for name in "aabb"])
    assert even.uneven == 0
    [numbered], _ = tabled([row("a", 1, epoch=1), row("a", 1, epoch=2), row("b", 1, epoch=1)])
    assert numbered.uneven == 0


def test_copies_of_a_file_are_counted_and_left_out(tabled: Tabled) -> None:
    rows = [row("a", 1), row("b", None)]
    runs, copies = tabled(rows, rows, rows)
    assert (attempts(runs), copies) == ([("v1", "a", 1, 1.0), ("v1", "b", 1, None)], 4)


def test_a_part_of_a_file_that_was_copied_is_known_again(tabled: Tabled) -> None:
    old = [row("a", 1)]
    runs, copies = tabled(old, [*old, row("a", 0, "v2")])
    assert (attempts(runs), copies) == ([("v1", "a", 1, 1.0), ("v2", "a", 1, 0.0)], 1)


def test_rows_without_an_epoch_are_numbered_by_case_and_scorer(tabled: Tabled) -> None:
    rows = [
        *[row("a", 1), row("b", 0), row("a", 0)],
        *[row("a", 1, scorer="strict"), row("a", 0, scorer="strict")],
    ]
    [run], _ = tabled(rows)
    made = [(a.case_id, a.scorer, a.epoch, a.value) for a in run.attempts]
    assert made == [
        *[("a", "score", 1, 1.0), ("b", "score", 1, 0.0), ("a", "score", 2, 0.0)],
        *[("a", "strict", 1, 1.0), ("a", "strict", 2, 0.0)],
    ]


def test_a_named_run_that_grew_and_its_older_file_are_not_measured_twice(tabled: Tabled) -> None:
    older = [row("a", 1, run="m")]
    [run], copies = tabled(older, [*older, row("b", 0, run="m")])
    assert [(a.case_id, a.epoch) for a in run.attempts] == [("a", 1), ("b", 1)]
    assert copies == 1


def test_equal_rows_of_one_epoch_are_one_attempt_and_a_copy(tabled: Tabled) -> None:
    [run], copies = tabled([row("a", 1, epoch=3), row("a", 1, epoch=3), row("a", 0, epoch=4)])
    assert ([(a.epoch, a.value) for a in run.attempts], copies) == ([(3, 1.0), (4, 0.0)], 1)


@pytest.mark.parametrize(("first", "second"), [(1, 0), (1, None), (None, 0)])
def test_two_values_of_one_epoch_are_refused_with_both_places(
    tabled: Tabled, first: float | None, second: float | None
) -> None:
    rows = [row("a", first, epoch=1), row("b", 1), row("a", second, epoch=1)]
    with pytest.raises(ScoresRefused, match=r"line 3: case 'a' .* epoch 1 .* than .*line 1: numb"):
        tabled(rows)


def test_two_files_that_contradict_each_other_about_a_run_are_refused(tabled: Tabled) -> None:
    with pytest.raises(ScoresRefused, match=r"1\.jsonl, line 1: case 'a' .* than .*0\.jsonl, line"):
        tabled([row("a", 1, run="m")], [row("a", 0, run="m")])


def test_slices_and_clusters_are_kept(tabled: Tabled) -> None:
    [run], _ = tabled([row("a", 1, slice="easy", cluster="acme")])
    assert [(a.slice, a.cluster) for a in run.attempts] == [("easy", "acme")]


def test_a_release_was_at_the_earliest_of_its_times(tabled: Tabled) -> None:
    [run], _ = tabled([row("a", 1, at="2026-03-05"), row("b", 1, at="2026-03-01"), row("c", 1)])
    assert run.released_at == run.started_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_releases_without_a_time_stand_in_the_order_in_which_they_appear(tabled: Tabled) -> None:
    runs, _ = tabled([row("a", 1, "zebra"), row("a", 1, "ape")], [row("a", 0, "yak")])
    ordered = sorted(runs, key=lambda run: run.released_at)
    assert [run.release for run in ordered] == ["zebra", "ape", "yak"]
    assert ordered[0].released_at == NOW and ordered[-1].released_at < NOW + timedelta(seconds=1)


def test_the_release_given_holds_for_all_rows(tabled: Tabled) -> None:
    [run], _ = tabled([row("a", 1), row("b", 1, "v2")], release="v9")
    assert (run.release, len(run.attempts)) == ("v9", 2)


def test_no_files_are_no_runs(tabled: Tabled) -> None:
    assert tabled() == ([], 0)


_ROW = st.builds(
    row,
    st.sampled_from("abc"),
    st.sampled_from([0, 0.5, 1, None]),
    st.sampled_from(["v1", "v2"]),
    at=st.just("2026-03-01"),
)


@settings(max_examples=50, deadline=None)
@given(
    files=st.lists(st.lists(_ROW, min_size=1, max_size=4), min_size=1, max_size=3),
    order=st.randoms(use_true_random=False),
)
def test_neither_the_order_of_files_nor_copies_of_them_matter(
    tmp_path_factory: pytest.TempPathFactory, files: list[Rows], order: Any
) -> None:
    more = [*files, *files]
    order.shuffle(more)
    found = [
        read_rows(written(tmp_path_factory.mktemp("rows"), tuple(given)), Picks(), None, NOW)[0]
        for given in (files, more)
    ]
    once, again = ({run.key: attempts([run]) for run in runs} for runs in found)
    assert once == again
    assert [run.released_at for run in found[0]] == [
        datetime(2026, 3, 1, tzinfo=UTC) for _ in found[0]
    ]
