"""Scores from elsewhere: rows and Inspect logs, each attempt once, absent where absent."""

import gzip
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.model import get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import TaskState, generate

from headrace.evals.errors import ScoresRefused
from headrace.evals.load import Picks, load
from headrace.lake.store import Transaction

DATA = Path(__file__).parents[4] / "shared" / "data"


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    packed = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
    path.write_bytes(packed[path.suffix](text) if path.suffix in packed else text)
    return path


def rows_of(*values: Any, release: str = "v1") -> list[dict[str, Any]]:
    return [
        {"release": release, "case_id": f"case{i}", "value": value}
        for i, value in enumerate(values)
    ]


def load_into(product: Any, *files: Path, **asked: Any) -> Any:
    return load(product.lake, product.project, files, suite="given", now=product.now, **asked)


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.gz", "s.jsonl.zst", "s.ndjson"])
def test_rows_become_scores_cases_runs_and_a_release(
    product: Any, tmp_path: Path, name: str
) -> None:
    rows = [{**row, "slice": "easy", "cluster": "k"} for row in rows_of(1, True, 0.25, None)]
    loaded = load_into(product, write_rows(tmp_path / name, rows))
    assert (loaded.runs, loaded.cases, loaded.scores, loaded.absent) == (1, 4, 4, 1)
    assert (loaded.written, loaded.new_cases, loaded.new_releases) == (4, 4, ("v1",))
    assert loaded.reasons == {"no value given": 1}
    assert [row["value"] for row in product.scores()] == [1.0, 1.0, 0.25, None]
    case = product.table("cases")[0]
    assert (case["slice"], case["cluster"], case["scorer"]) == ("easy", "k", "score")
    assert json.loads(case["input"]) == {"messages": [], "tools": None}
    assert (case["target"], case["origin_episode_id"]) == (None, None)


def test_loading_twice_changes_nothing(product: Any, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "s.jsonl", rows_of(1, 0))
    load_into(product, file)
    snapshot = product.lake.snapshot_id
    later = product.now + timedelta(days=1)
    again = load(product.lake, product.project, [file], suite="given", now=later)
    assert (again.scores, again.written, again.new_cases, again.new_releases) == (2, 0, 0, ())
    assert product.lake.snapshot_id == snapshot


def test_a_copied_file_does_not_make_n_grow(product: Any, tmp_path: Path) -> None:
    first = write_rows(tmp_path / "a.jsonl", rows_of(1, 0))
    copy = write_rows(tmp_path / "copy.jsonl.gz", rows_of(1, 0))
    loaded = load_into(product, first, copy)
    assert (loaded.scores, loaded.copies, len(product.scores())) == (2, 2, 2)


def test_a_file_that_grew_by_a_release_keeps_its_older_runs(product: Any, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "s.jsonl", rows_of(1, 0))
    load_into(product, file)
    write_rows(file, rows_of(1, 0) + rows_of(1, 1, release="v2"))
    loaded = load_into(product, file)
    assert (loaded.written, loaded.new_releases) == (2, ("v2",))
    assert len(product.scores()) == 4


def test_repeated_rows_are_numbered_as_epochs(product: Any, tmp_path: Path) -> None:
    rows = [{"release": "v1", "case_id": "a", "value": v} for v in (1, 0, 1)]
    load_into(product, write_rows(tmp_path / "s.jsonl", rows))
    assert [(r["epoch"], r["value"]) for r in product.scores()] == [(1, 1.0), (2, 0.0), (3, 1.0)]


def test_two_values_for_one_epoch_are_refused(product: Any, tmp_path: Path) -> None:
    rows = [{"release": "v1", "case_id": "a", "value": v, "epoch": 1} for v in (1, 0)]
    with pytest.raises(ScoresRefused, match=r"line 2: case 'a' has another value for epoch 1"):
        load_into(product, write_rows(tmp_path / "s.jsonl", rows))


def test_named_runs_stay_apart_and_grow_by_their_name(product: Any, tmp_path: Path) -> None:
    monday = [{**row, "run": "monday"} for row in rows_of(1, 0)]
    tuesday = [{**row, "run": "tuesday"} for row in rows_of(1, 1)]
    loaded = load_into(product, write_rows(tmp_path / "s.jsonl", monday + tuesday))
    assert (loaded.runs, loaded.scores) == (2, 4)
    grown = write_rows(tmp_path / "t.jsonl", [{**row, "run": "monday"} for row in rows_of(1, 0, 1)])
    assert load_into(product, grown).written == 1
    assert len(product.table("runs")) == 2


def test_expressions_pick_the_fields(product: Any, tmp_path: Path) -> None:
    rows = [
        {"meta": {"version": "v1", "day": "2026-03-01"}, "question-id": 7, "points": 50, "trial": 0}
    ]
    picks = Picks(
        release="meta.version",
        case="question-id",
        value="points == `50`",
        epoch="trial",
        at="meta.day",
    )
    load_into(product, write_rows(tmp_path / "s.jsonl", rows), mapping=picks)
    [row] = product.scores()
    assert (row["case_id"], row["value"], row["epoch"]) == ("7", 1.0, 0)
    assert product.table("releases")[0]["at"] == datetime(2026, 3, 1, tzinfo=UTC)


def test_releases_come_in_order_of_appearance(product: Any, tmp_path: Path) -> None:
    rows = rows_of(1, release="zebra") + rows_of(1, release="ape")
    loaded = load_into(product, write_rows(tmp_path / "s.jsonl", rows))
    assert loaded.releases == ("zebra", "ape")
    times = {row["release"]: row["at"] for row in product.table("releases")}
    assert times["zebra"] == product.now < times["ape"]


def test_csv_reads_like_rows_and_an_empty_cell_is_absent(product: Any, tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text("release,case_id,value\nv1,a,0.5\nv1,b,\nv1,c,true\n")
    load_into(product, file)
    assert [row["value"] for row in product.scores()] == [0.5, None, 1.0]


@pytest.mark.parametrize(
    ("row", "picks", "complaint"),
    [
        ({"release": "v1", "case_id": "a", "value": 7}, {}, "line 1: value 7 is not in"),
        ({"release": "v1", "case_id": "a", "value": "pass"}, {}, "value 'pass' is not in"),
        ({"release": "v1", "case_id": "a", "score": 1}, {}, "fields are: case_id, release, score"),
        ({"version": "v1", "case_id": "a", "value": 1}, {}, "--release-expr EXPRESSION"),
        ({"release": "v1", "case_id": "", "value": 1}, {}, "line 1: no case"),
        ({"release": "v1", "case_id": ["a"], "value": 1}, {}, "case is a list"),
        ({"release": "v1", "case_id": "a", "value": 1, "epoch": -1}, {}, "from 0"),
        ({"release": "v1", "case_id": "a", "value": 1, "at": "noon"}, {}, "is no time"),
        ({"release": "v1", "case_id": "a", "value": 1}, {"slice": "topic"}, "slice = 'topic'"),
        ({"release": "v1", "case_id": "a", "value": 1}, {"slice": "a ||"}, "is no JMESPath"),
        ({"release": "v1", "case_id": "a", "value": 1}, {"slice": "abs(release)"}, "abs"),
    ],
)
def test_what_cannot_be_a_score_is_refused_by_line_and_field(
    product: Any, tmp_path: Path, row: dict[str, Any], picks: dict[str, Any], complaint: str
) -> None:
    file = write_rows(tmp_path / "s.jsonl", [row])
    with pytest.raises(ScoresRefused, match=complaint):
        load_into(product, file, mapping=Picks(**picks))
    assert product.table("runs") == []


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("s.jsonl", b"", "no rows"),
        ("s.jsonl", b"[1]\n", "line 1: a row is a JSON object"),
        ("s.jsonl", b"{\n", "line 1: no JSON"),
        ("s.jsonl.gz", b"plain", "damaged"),
        ("s.jsonl.zst", b"plain", "damaged"),
        ("s.parquet", b"", "the ending tells nothing"),
        ("s.eval", b"no zip", "cannot be read as an Inspect log"),
        ("s.json", b"{}", "cannot be read as an Inspect log"),
    ],
)
def test_a_file_that_is_something_else_is_refused(
    product: Any, tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ScoresRefused, match=complaint):
        load_into(product, tmp_path / name)


@pytest.mark.parametrize("name", ["none.jsonl", "none.eval"])
def test_a_missing_file_is_named(product: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(ScoresRefused, match="no such file"):
        load_into(product, tmp_path / name)


@scorer(metrics=[mean()])
def graded() -> Scorer:
    """Says about each sample what its target tells it to."""

    async def score(state: TaskState, target: Target) -> Score:
        if target.text == "none":
            return Score(value=float("nan"))
        numbers = target.text.replace(".", "").isdigit()
        return Score(value=float(target.text) if numbers else target.text)

    return score


@pytest.fixture
def log(tmp_path: Path, reply: Any) -> Any:
    """Runs a small Inspect task of the user's own; the path of its log."""

    def run(targets: dict[str, str], *, name: str = "logs", **asked: Any) -> Path:
        def answers(messages: Any, *_: Any) -> Any:
            if messages[-1].text == "broken":
                raise RuntimeError("503 overloaded")
            return reply("x")

        samples = [
            Sample(id=i, input=i, target=t, metadata={"slice": "s", "cluster": "k"})
            for i, t in targets.items()
        ]
        [done] = inspect_eval(
            Task(dataset=samples, solver=generate(), scorer=graded(), name="theirs"),
            model=get_model("mockllm/model", custom_outputs=answers, memoize=False),
            log_dir=str(tmp_path / name),
            display="none",
            score_display=False,
            fail_on_error=False,
            ctl_server=False,
            **asked,
        )
        return Path(done.location)

    return run


def test_a_log_of_inspect_is_read_by_its_summaries(product: Any, log: Any) -> None:
    targets = {"a": "C", "b": "I", "c": "P", "d": "0.3", "broken": "C", "e": "none"}
    path = log(targets, tags=["release:v5"], metadata={"config_hash": "abc"})
    loaded = load_into(product, path)
    assert (loaded.releases, loaded.scores, loaded.absent) == (("v5",), 6, 2)
    rows = {row["case_id"]: row for row in product.scores()}
    values = {name: row["value"] for name, row in rows.items()}
    assert values == {"a": 1.0, "b": 0.0, "c": 0.5, "d": 0.3, "broken": None, "e": None}
    assert "503 overloaded" in rows["broken"]["error"]
    assert rows["e"]["error"] == "unscored"
    assert {row["scorer"] for row in rows.values()} == {"graded"}
    assert product.table("runs")[0]["config_hash"] == "abc"
    assert {(c["slice"], c["cluster"]) for c in product.table("cases")} == {("s", "k")}


def test_a_limit_that_was_reached_is_a_failure_of_the_product(product: Any, log: Any) -> None:
    load_into(product, log({"a": "C"}, token_limit=1), release="v1")
    [row] = product.scores()
    assert (row["value"], row["error"]) == (0.0, "limit reached: token")


def test_a_copied_log_counts_once_also_on_another_day(
    product: Any, log: Any, tmp_path: Path
) -> None:
    path = log({"a": "C"})
    copy = tmp_path / "copy.eval"
    shutil.copy(path, copy)
    loaded = load_into(product, path, copy, release="v1")
    assert (loaded.runs, loaded.scores, loaded.copies) == (1, 1, 1)
    assert load_into(product, copy, release="v1").written == 0
    assert len(product.scores()) == 1


def test_a_log_without_a_release_is_refused_with_the_cure(product: Any, log: Any) -> None:
    path = log({"a": "C"})
    with pytest.raises(ScoresRefused, match="--release NAME"):
        load_into(product, path)
    assert load_into(product, log({"a": "C"}, metadata={"release_id": "v3"})).releases == ("v3",)


def test_a_value_off_the_scale_is_refused_with_its_case(product: Any, log: Any) -> None:
    with pytest.raises(ScoresRefused, match="case 'a' has the value 7"):
        load_into(product, log({"a": "7"}), release="v1")


def test_releases_of_logs_stand_by_the_time_of_their_runs(product: Any, log: Any) -> None:
    first, second = log({"a": "C"}, tags=["release:z"]), log({"a": "I"}, tags=["release:b"])
    times = {}
    for path in (second, first):
        load_into(product, path)
    times = {row["release"]: row["at"] for row in product.table("releases")}
    assert times["z"] <= times["b"]


def test_one_log_in_two_suites_is_two_runs(product: Any, log: Any) -> None:
    path = log({"a": "C"})
    for suite in ("one", "two"):
        load(product.lake, product.project, [path], suite=suite, release="v1", now=product.now)
    assert sorted(row["suite"] for row in product.table("runs")) == ["one", "two"]
    assert len(product.scores()) == 2


def test_an_absent_score_never_replaces_a_value(product: Any, tmp_path: Path) -> None:
    rows = [{**row, "run": "nightly"} for row in rows_of(1)]
    load_into(product, write_rows(tmp_path / "a.jsonl", rows))
    lost = [{**row, "run": "nightly"} for row in rows_of(None)]
    assert load_into(product, write_rows(tmp_path / "b.jsonl", lost)).written == 0
    assert [row["value"] for row in product.scores()] == [1.0]


def test_a_write_that_breaks_off_leaves_nothing_and_can_be_done_again(
    product: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_rows(tmp_path / "s.jsonl", rows_of(1, 0))
    whole = Transaction.upsert

    def broken(tx: Transaction, table: str, rows: Any, *, on: Any) -> int:
        done = whole(tx, table, rows, on=on)
        if table == "scores":
            raise OSError("disk full")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "upsert", broken)
        with pytest.raises(OSError, match="disk full"):
            load_into(product, file)
    assert [product.table(name) for name in ("runs", "cases", "releases")] == [[], [], []]
    assert load_into(product, file).written == 2


@pytest.mark.skipif(not DATA.exists(), reason="the larger data sets are not beside this checkout")
def test_real_benchmark_items_load_with_every_release_and_item(
    product: Any, tmp_path: Path
) -> None:
    with gzip.open(DATA / "mmlu_pro" / "items.jsonl.gz", "rt") as text:
        items = [json.loads(line) for line in text]
    some = [item for item in items if item["question_id"] % 40 == 0]
    file = write_rows(tmp_path / "items.jsonl.gz", some)
    picks = Picks(release="model", case="question_id", value="correct", slice="category")
    loaded = load_into(product, file, mapping=picks)
    assert (len(loaded.releases), loaded.scores, loaded.absent) == (15, len(some), 0)
    assert loaded.cases == len({item["question_id"] for item in some})
    share = sum(item["correct"] for item in some) / len(some)
    values = [row["value"] for row in product.scores()]
    assert sum(values) / len(values) == pytest.approx(share)


def test_rows_whose_content_changed_are_another_case(product: Any, tmp_path: Path) -> None:
    rows = [
        {"release": f"v{n}", "case_id": "q", "value": 1, "question": text}
        for n, text in enumerate(("when?", "when?", "where?"))
    ]
    file = write_rows(tmp_path / "s.jsonl", rows)
    found = load_into(product, file, mapping=Picks(content="question"))
    [edition] = found.edited
    assert [row["case_id"] for row in product.scores()] == ["q", "q", edition]
    assert "1 case asks something else than before under the same id" in found.notes[0]
    assert load_into(product, file, mapping=Picks(content="question")).written == 0


REFLEXION = [
    ("code_humaneval_py", "is_solved", "_meta.task", 9, 1362),
    ("trials_alfworld", "is_success", "_meta.task", 22, 2948),
]


@pytest.mark.skipif(not DATA.exists(), reason="the larger data sets are not beside this checkout")
@pytest.mark.parametrize(("name", "value", "case", "releases", "rows"), REFLEXION)
def test_real_trials_load_by_their_own_fields(
    product: Any, name: str, value: str, case: str, releases: int, rows: int
) -> None:
    picks = Picks(release="_meta.release", case=case, value=value)
    found = load_into(product, DATA / "reflexion" / f"{name}.jsonl.gz", mapping=picks)
    assert (len(found.releases), found.scores + found.copies) == (releases, rows)
    facts = json.loads((DATA / "facts.json").read_text())[f"dev/reflexion/{name}"]
    assert found.absent == 0
    good = sum(row["value"] for row in product.scores())
    assert good == facts["success"]


@pytest.mark.skipif(not DATA.exists(), reason="the larger data sets are not beside this checkout")
def test_the_free_words_of_a_real_judge_load_once_they_are_explained(product: Any) -> None:
    file = DATA / "tau2_judge" / "airline_verdicts.jsonl.gz"
    picks: dict[str, Any] = {
        "case": "task_id",
        "value": "judge_verdict",
        "scorer": "judge_prompt_name",
        "failing": ("fail",),
    }
    with pytest.raises(ScoresRefused, match="value 'pass' is not in"):
        load_into(product, file, release="v1", mapping=Picks(**picks))
    words = ("pass", "satisfied", "satisfactory", "compliant", "correct")
    found = load_into(product, file, release="v1", mapping=Picks(**picks, passing=words))
    assert (found.scores, found.absent, found.cases) == (200, 0, 50)
    triage = [row["value"] for row in product.scores() if row["scorer"] == "quick_triage_v1"]
    assert (len(triage), sum(triage)) == (50, 46)
