from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.conversation import Conversation
from headrace.exporters import manifest
from headrace.exporters.errors import NotADataset
from headrace.exporters.manifest import Audit, Manifest
from headrace.exporters.recipe import Recipe
from headrace.exporters.rowfile import Entry
from headrace.exporters.selection import choose
from headrace.lake.message import Body

Make = Callable[..., Conversation]

RECIPE = Recipe(objective="sft", formats=("trl",))
AUDIT = Audit(
    episodes=3,
    drops={"pending": 1, "not_success": 1},
    outcomes={"train": {"human: success": 1}},
    dedupe={},
    decontaminate={},
    suites={"support": 4},
    leaks=0,
)


@pytest.fixture
def entries(episode: Make, standing: Callable[..., Any], said: Callable[..., Body]) -> Any:
    """The entries of rows that say this and that."""

    def made(*answers: str, split: str = "train") -> tuple[Entry, ...]:
        talks = [
            episode(f"e-{answer}", messages=[said("user", "hi"), said("assistant", answer)])
            for answer in answers
        ]
        known = {talk.episode_id: standing(split=split) for talk in talks}
        return choose(talks, known, "sft").rows.entries

    return made


def whole(rows: tuple[Entry, ...]) -> Manifest:
    return Manifest(
        project="p",
        name="n",
        version=manifest.version(rows, RECIPE),
        objective="sft",
        recipe=RECIPE,
        snapshot_id=7,
        rows=rows,
        audit=AUDIT,
        formats=(),
        libraries=manifest.libraries(),
        files={"README.md": manifest.sha(b"page")},
    )


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answers=st.lists(st.sampled_from("abcdef"), min_size=1, unique=True), data=st.data())
def test_the_version_does_not_depend_on_the_order_in_which_episodes_come(
    entries: Any, answers: list[str], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(answers))
    assert manifest.version(entries(*answers), RECIPE) == manifest.version(entries(*other), RECIPE)
    fewer = manifest.version(entries(*answers[1:]), RECIPE)
    assert fewer != manifest.version(entries(*answers), RECIPE)


@pytest.mark.parametrize(
    "change",
    [
        {"objective": "kto"},
        {"formats": ()},
        {"license": "mit"},
        {"without_evals": True},
        {"accept_leaks": True},
        {"allow_lossy": True},
    ],
)
def test_every_word_of_the_recipe_is_in_the_version(entries: Any, change: dict[str, Any]) -> None:
    rows = entries("a")
    other = msgspec.structs.replace(RECIPE, **change)
    assert manifest.version(rows, other) != manifest.version(rows, RECIPE)


@pytest.mark.parametrize(
    "change", [{"hash": "0"}, {"split": "test"}, {"episode_ids": ("x",)}, {"row_id": "0"}]
)
def test_all_that_is_said_of_a_row_is_in_the_version(entries: Any, change: dict[str, Any]) -> None:
    [row] = entries("a")
    other = msgspec.structs.replace(row, **change)
    assert manifest.version((other,), RECIPE) != manifest.version((row,), RECIPE)


def test_a_manifest_comes_back_from_its_file_as_it_was(entries: Any, tmp_path: Path) -> None:
    made = whole(entries("ä", "b"))
    (tmp_path / manifest.NAME).write_bytes(made.encode())
    assert Manifest.load(tmp_path) == made
    assert Manifest.load(tmp_path).encode() == made.encode()
    assert made.splits == {"train": 2, "test": 0}


@pytest.mark.parametrize(
    "content",
    [None, b"", b"{}", b"[]", b"\xff\xfe", b'{"project": "p"}', b'{"rows": 1'],
)
def test_what_is_no_manifest_is_told_with_the_cure(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / manifest.NAME).write_bytes(content)
    with pytest.raises(NotADataset, match="name a folder written by `headrace dataset build`"):
        Manifest.load(tmp_path)


def test_a_cut_manifest_is_none_at_any_length(entries: Any, tmp_path: Path) -> None:
    content = whole(entries("a")).encode().rstrip()
    for length in range(0, len(content), 97):
        (tmp_path / manifest.NAME).write_bytes(content[:length])
        with pytest.raises(NotADataset):
            Manifest.load(tmp_path)
