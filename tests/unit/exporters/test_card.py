import shlex
import tomllib
from typing import Any

import msgspec
import pytest
from huggingface_hub import DatasetCard

from headrace.curate.silver.measure import Measured
from headrace.exporters import card, picture, recipefile
from headrace.exporters.manifest import Audit, Manifest, Scrubbing, Splitting
from headrace.exporters.objective import OBJECTIVES, SCHEMAS, Objective
from headrace.exporters.recipe import Caps, Recipe, Rights
from headrace.exporters.rowfile import Entry


def manifest(
    *, objective: Objective = "sft", recipe: dict[str, Any] | None = None, **fields: Any
) -> Manifest:
    audit = Audit(
        episodes=6,
        drops={"pending": 2, "contaminated:exact": 1},
        outcomes={"train": {"human: success": 2}, "test": {"product: success": 1}},
        dedupe={"exact": 4},
        decontaminate={"contaminated:exact": 1},
        suites={"support": 12},
        leaks=0,
        verdict="not_yet, 2026-03-02",
    )
    rows = tuple(
        Entry(row_id=f"r{i}", hash=f"h{i}", split=split, episode_ids=(f"e{i}",))
        for i, split in enumerate(fields.pop("splits", ("train", "train", "test")))
    )
    given: dict[str, Any] = {
        "project": "shop",
        "name": "refunds",
        "audit": msgspec.structs.replace(audit, **fields.pop("audit", {})),
        **fields,
    }
    return Manifest(
        version="v1",
        objective=objective,
        recipe=Recipe(objective=objective, formats=("trl",), **(recipe or {})),
        snapshot_id=1,
        rows=rows,
        formats=(),
        libraries={},
        files={},
        **given,
    )


def front(page: str) -> dict[str, Any]:
    """The header as the Hub reads it."""
    card: Any = DatasetCard(page)
    read: dict[str, Any] = card.data.to_dict()
    return read


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_header_has_one_config_of_plain_features_and_no_counts(objective: Objective) -> None:
    read = front(card.card(manifest(objective=objective)))
    [config], [info] = read["configs"], read["dataset_info"]
    assert config["config_name"] == info["config_name"] == objective
    assert config["default"] is True
    assert set(info) == {"config_name", "features"}, "counts go stale with the next shard"
    assert [one["name"] for one in info["features"]] == SCHEMAS[objective].names
    assert "json" not in str(info).lower(), "older readers know no such type"


def test_only_splits_with_rows_have_files() -> None:
    files = front(card.card(manifest(splits=("train",))))["configs"][0]["data_files"]
    assert files == [{"split": "train", "path": "data/train-*.parquet"}]


@pytest.mark.parametrize(
    "name", ["a: b", "- x", "'", '"quoted"', "# no comment", "ü ☃", "{x}", "1"]
)
def test_a_name_that_yaml_would_misread_is_kept(name: str) -> None:
    page = card.card(manifest(name=name))
    assert front(page)["pretty_name"] == name
    assert f"# {name}\n" in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "| train | 2 |\n| test | 1 |"),
        ({}, "| train | human: success | 2 |\n| test | product: success | 1 |"),
        ({}, "3 of 6 episodes are in a row"),
        ({}, "| `contaminated:exact` | 1 | too close to an evaluation case"),
        ({}, "| dedupe: exact | 4 |\n| decontaminate: contaminated:exact | 1 |"),
        ({}, "| support | 12 |"),
        ({}, "No overlap was left at the last check."),
        ({}, "Verdict on readiness when built: not_yet, 2026-03-02."),
        ({}, "* `formats/trl/HOWTO.md`"),
        ({}, "**not scrubbed**"),
        ({"drops": {}, "episodes": 3}, "None was left out."),
        ({"dedupe": {}, "decontaminate": {}}, "No episode of the project was found"),
        ({"leaks": 2}, "2 overlapping episodes were left at the last check and accepted by hand"),
        ({"suites": {}}, "There was no suite: nothing says whether"),
        ({"verdict": None}, "Verdict on readiness when built: none."),
    ],
)
def test_the_page_says(change: dict[str, Any], said: str) -> None:
    assert said in card.card(manifest(audit=change))


def test_without_a_suite_no_overlap_is_claimed_to_be_absent() -> None:
    assert "No overlap" not in card.card(manifest(audit={"suites": {}}))


def test_a_set_without_trainer_files_says_so() -> None:
    bare = msgspec.structs.replace(manifest(), recipe=Recipe(objective="sft", formats=()))
    assert "No trainer dialect was asked for." in card.card(bare)


@pytest.mark.parametrize(
    ("recipe", "switches"),
    [
        ({}, []),
        ({"without_evals": True}, ["--without-evals"]),
        (
            {"without_evals": True, "accept_leaks": True, "allow_lossy": True},
            ["--without-evals", "--accept-leaks", "--allow-lossy"],
        ),
    ],
)
def test_the_command_of_the_card_builds_the_same_again(
    recipe: dict[str, Any], switches: list[str]
) -> None:
    words = shlex.split(card.command(manifest(name="my set; rm", project="a b", recipe=recipe)))
    assert words[:4] == ["headrace", "dataset", "build", "my set; rm"]
    assert words[words.index("--project") + 1] == "a b"
    assert words[words.index("DIR") + 1 :] == switches


def test_a_recipe_beyond_options_is_on_the_page_and_in_the_command() -> None:
    recipe = {"caps": Caps(cluster=4), "filters": ("model = 'o3'",), "holdout": 0.1}
    made = manifest(recipe=recipe)
    page = card.card(made)
    shown = page.partition("```toml\n")[2].partition("```")[0]
    assert recipefile.recipe(tomllib.loads(shown)) == made.recipe
    assert "[mix]" not in shown and "[right_to_train]" not in shown
    assert "headrace dataset recipe DIR > recipe.toml\nheadrace dataset build" in page
    assert "```toml" not in card.card(manifest())


SCRUB = Scrubbing(
    rules={"scrub/1": 3, "scrub/1 presidio/1": 1},
    places={"email": 12, "phone": 3},
    measured=Measured(
        episodes=120,
        recall={"email": 1.0, "phone": 0.98, "name_in_prose": 0.0, "address_in_prose": 0.0},
        precision=1.0,
    ),
)


def personal(page: str) -> str:
    return page.partition("## Personal data")[2].partition("##")[0]


def test_what_was_replaced_and_what_was_not_seen_stand_on_the_page() -> None:
    said = personal(card.card(manifest(audit={"scrub": SCRUB})))
    assert "scrubbed episodes (rules `scrub/1`, `scrub/1 presidio/1`)" in said
    assert "| email | 12 |" in said
    assert "Tool definitions were not scrubbed." in said
    assert SCRUB.measured.sentences in said
    assert "**Names and addresses in prose are not covered**" in said


def test_rows_in_which_nothing_was_found_are_not_said_to_be_free_of_it() -> None:
    none = msgspec.structs.replace(SCRUB, places={})
    said = personal(card.card(manifest(audit={"scrub": none})))
    assert "None was found." in said
    assert "look before you share" in said


def test_a_data_set_from_before_the_scrub_is_not_said_to_be_scrubbed() -> None:
    assert "**not scrubbed**" in personal(card.card(manifest()))


LONG = {"train": (0, 0, 1, 0, 1), "test": (0, 0, 0, 1)}


def test_lengths_are_told_by_side_and_the_picture_leaves_no_gap() -> None:
    made = msgspec.structs.replace(manifest(), lengths=LONG)
    page, svg = card.card(made), picture.charts(made)["charts/lengths.svg"]
    assert "| train | 2 to 3 | 1 |\n| train | 8 to 15 | 1 |\n| test | 4 to 7 | 1 |" in page
    spans = ("2 to 3", "4 to 7", "8 to 15", "16 to 31")
    assert [f">{span}<" in svg for span in spans] == [True, True, True, False]


def test_the_page_shows_every_chart_that_is_drawn() -> None:
    made = manifest()
    page = card.card(made)
    for file in picture.charts(made):
        assert f"]({file})" in page
    assert ">human: success<" in picture.charts(made)["charts/outcomes.svg"]


def test_the_page_says_where_the_set_is_from_and_what_guarded_it() -> None:
    audit = {
        "suite_hashes": {"support": "ab" * 32},
        "scorers": {"support": ("match", "tool_calls")},
        "split": Splitting(rules="split/2", groups={"train": 6, "eval": 3}),
    }
    made = manifest(audit=audit)
    page = card.card(
        msgspec.structs.replace(made, parent="v0", libraries={"headrace": "1", "pyarrow": "26"})
    )
    assert "snapshot 1 of the lake, after version `v0`, by headrace 1, pyarrow 26." in page
    assert "| support | 12 | match, tool_calls | abababababababab |" in page
    assert "(rules `split/2`): 6 train, 3 eval groups." in page


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({}, "Nothing has checked whether the product may train"),
        (
            {"right_to_train": Rights(forbid={"licence": ("no",)})},
            "Episodes without the right to train are left out",
        ),
    ],
)
def test_the_page_says_what_nobody_can_promise(recipe: dict[str, Any], said: str) -> None:
    page = card.card(manifest(recipe=recipe))
    limits = page.partition("## What cannot be guaranteed")[2].partition("\n## ")[0]
    assert "That no secret is left" in limits
    assert said in limits
