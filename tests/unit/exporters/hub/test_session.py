import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.curate.silver.measure import measured
from headrace.exporters import table
from headrace.exporters.errors import NotPushed
from headrace.exporters.hub import session
from headrace.exporters.manifest import Audit, Manifest, Scrubbing
from headrace.exporters.objective import Objective
from headrace.exporters.recipe import Recipe
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from tests.corpus import corpus

SCRUBBED = Scrubbing(rules={"scrub/1": 1}, places={}, measured=measured())
Stored = Callable[..., tuple[Path, Manifest]]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Rows on disk as a build leaves them, and their manifest."""

    def put(objective: Objective, *rows: Row, **audit: Any) -> tuple[Path, Manifest]:
        held = RowFile.of(rows or corpus(objective))
        (tmp_path / "data").mkdir()
        for file in table.paths("train", len(held)):
            table.write(held, objective, tmp_path / file)
        counts: dict[str, Any] = {
            "episodes": 1,
            "drops": {},
            "outcomes": {},
            "dedupe": {},
            "decontaminate": {},
            "suites": {},
            "leaks": 0,
            "scrub": SCRUBBED,
            **audit,
        }
        made = Manifest(
            project="shop",
            name="refunds",
            version="v1",
            objective=objective,
            recipe=Recipe(objective=objective),
            snapshot_id=1,
            rows=held.entries,
            audit=Audit(**counts),
            formats=(),
            libraries={},
            files={},
        )
        return tmp_path, made

    return put


@pytest.mark.parametrize("objective", session.WHOLE)
def test_a_row_is_a_session_of_its_messages(
    stored: Stored, tmp_path: Path, objective: Objective
) -> None:
    place, made = stored(objective)
    rows = {row.episode_ids[0]: row for row in corpus(objective)}
    paths = session.write(place, made, tmp_path / "out")
    assert paths == sorted(f"traces/{name}.jsonl" for name in rows)
    for name, row in rows.items():
        lines = (tmp_path / "out" / "traces" / f"{name}.jsonl").read_text().split("\n")[:-1]
        head, *said = [json.loads(line) for line in lines]
        assert (head["type"], head["harness"], head["id"]) == ("session", "headrace", name)
        assert {line["type"] for line in said} == {"message"}
        messages = row.messages or (*row.prompt, *row.completion)
        assert [line["message"] for line in said] == [*messages]


@pytest.mark.parametrize("objective", ["dpo", "rm", "rl"])
def test_parts_of_conversations_are_no_sessions(
    stored: Stored, tmp_path: Path, objective: Objective
) -> None:
    place, made = stored(objective)
    with pytest.raises(NotPushed, match=f"rows for {objective} are parts"):
        session.write(place, made, tmp_path / "out")


def test_rows_that_were_not_scrubbed_stay_here(stored: Stored, tmp_path: Path) -> None:
    place, made = stored("sft", scrub=None)
    with pytest.raises(NotPushed, match="build it anew to push its traces"):
        session.write(place, made, tmp_path / "out")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden", "ü ☃", "x" * 200, "a\nb"])
def test_an_episode_of_any_name_stays_in_the_folder(
    stored: Stored, tmp_path: Path, name: str
) -> None:
    row = msgspec.structs.replace(corpus("sft")[0], episode_ids=(name,))
    place, made = stored("sft", row)
    [path] = session.write(place, made, tmp_path / "out")
    assert (tmp_path / "out" / path).parent == tmp_path / "out" / "traces"
    head = json.loads((tmp_path / "out" / path).read_text().splitlines()[0])
    assert head["id"] == name


def test_what_looks_like_a_secret_stops_all_of_it(stored: Stored, tmp_path: Path) -> None:
    first, second = corpus("sft")[:2]
    messages = (*second.messages, {"role": "user", "content": "password=hunter2hunter2"})
    told = msgspec.structs.replace(second, messages=messages, trainable=(*second.trainable, False))
    place, made = stored("sft", first, told)
    with pytest.raises(NotPushed, match=r"episode e2 .* \(password\)") as refused:
        session.write(place, made, tmp_path / "out")
    assert "hunter2" not in str(refused.value)
