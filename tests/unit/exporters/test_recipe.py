"""Recipes: what they say, and TOML in which every key is known."""

import re
import tomllib
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters import preset, recipefile
from headrace.exporters.condition import COLUMNS
from headrace.exporters.errors import BadRecipe, UnknownObjective
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.exporters.recipe import Caps, Mix, Recipe, Rights
from headrace.lake.message import dump

SWITCHES = ("without_evals", "accept_leaks", "allow_lossy")
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = st.dictionaries(
    WORDS,
    st.lists(st.booleans() | st.integers() | WORDS, unique_by=repr).map(
        lambda values: tuple(sorted(values, key=repr))
    ),
    max_size=2,
)
SHARES = st.floats(0, 0.99, allow_nan=False)
MANY = st.integers(1, 10**9)
RECIPES = st.builds(
    Recipe,
    objective=st.just("kto"),
    formats=st.sets(WORDS, min_size=1).map(sorted).map(tuple),
    license=WORDS,
    filters=st.sets(st.sampled_from(["turns > 1", "model = 'é\"\\'", "true"]))
    .map(sorted)
    .map(tuple),
    right_to_train=st.builds(Rights, allow=VALUES, forbid=VALUES),
    masks=st.sampled_from(["all", "last", "final_answer"]),
    caps=st.builds(
        Caps, cluster=st.none() | MANY, customer=st.none() | MANY, customer_by=WORDS, tokens=MANY
    ),
    mix=st.none()
    | st.builds(Mix, by=WORDS, weights=st.dictionaries(WORDS, st.floats(0.1, 9), min_size=1)),
    balance=st.none() | st.floats(1, 9),
    holdout=SHARES,
    seed=st.integers(-9, 9),
    least_rows=MANY,
    without_evals=st.booleans(),
    accept_loss=st.sets(WORDS).map(sorted).map(tuple),
)


@given(RECIPES)
def test_a_recipe_comes_back_from_its_page_and_from_its_json_as_it_was(made: Recipe) -> None:
    read = recipefile.recipe(tomllib.loads(preset.page(made)))
    assert read == made and dump(read.said) == dump(made.said)
    stored = msgspec.json.decode(msgspec.json.encode(made.said), type=Recipe)
    assert stored == made and dump(stored.said) == dump(made.said)


def test_a_recipe_says_what_differs_from_the_defaults_alone() -> None:
    plain = Recipe(objective="sft")
    assert plain.said == {"objective": "sft", "formats": ("trl",)}
    capped = Recipe(objective="sft", caps=Caps(cluster=4), seed=3)
    assert capped.said == {**plain.said, "caps": {"cluster": 4}, "seed": 3}
    worded = recipefile.recipe({"objective": "sft", "license": "other", "caps": {}, "holdout": 0})
    assert worded.said == plain.said


@given(st.lists(st.booleans() | st.integers(0, 1) | WORDS), st.randoms())
def test_the_order_of_what_is_a_set_and_what_it_has_twice_say_nothing(
    values: list[Any], order: Random
) -> None:
    other = [*values, *values]
    order.shuffle(other)
    one, same = (
        recipefile.recipe(
            {
                "objective": "sft",
                "right_to_train": {"allow": {"plan": told}, "forbid": {"plan": told}},
                **dict.fromkeys(("formats", "accept_loss"), [text.strip() for text in said]),
                "filters": said,
            }
        ).said
        for told, said in ((values, ["true", "1 < 2"]), (other, ["1 < 2 ", "true", "\ntrue"]))
    )
    assert dump(one) == dump(same)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_has_a_recipe_to_start_from(objective: Objective) -> None:
    made = preset.PRESETS[objective]
    assert recipefile.recipe(tomllib.loads(preset.page(made))) == made


def test_every_key_is_on_the_page_with_an_example_that_holds() -> None:
    page = preset.page(Recipe(objective="kto"))
    used = "\n".join(
        line[1:] if line[:1] == "#" != line[1:2] and line[1:2] != " " else line
        for line in page.splitlines()
    )
    made = recipefile.recipe(tomllib.loads(used))
    fields = set(Recipe.__struct_fields__)
    assert {key.partition(".")[0] for key in preset.ABOUT} == fields
    assert set(made.said) == fields
    for name, kind in recipefile.TABLES.items():
        shown = {key.partition(".")[2] for key in preset.ABOUT if key.startswith(f"{name}.")}
        assert shown == set(kind.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("filter = ['true']", "no key 'filter': did you mean 'filters'. there are objective, "),
        (
            "caps.clusters = 3",
            "no key 'caps.clusters': did you mean 'cluster'. there are cluster, ",
        ),
        ("mix.weight = {}", "no key 'mix.weight': did you mean 'weights'"),
        ("right_to_train.deny = {}", "no key 'right_to_train.deny': there are allow, forbid"),
        ("zzz = 1", "no key 'zzz': there are objective"),
        ("caps = 3", "caps is 3: make it a table, .caps."),
        ("objective = ", "is no TOML"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_one(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text(text)
    with pytest.raises(BadRecipe, match=why) as refused:
        recipefile.load(file)
    assert str(refused.value).startswith(str(file))


def test_a_file_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="No such file.*headrace dataset recipe sft"):
        recipefile.load(tmp_path / "r.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(BadRecipe, match="cannot be read"):
        recipefile.load(tmp_path / "x.toml")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"caps": {"cluster": 0}}, "caps.cluster: expected .* >= 1; write it like `cluster = 4`"),
        (
            {"caps": {"tokens": "many"}},
            "caps.tokens: expected .*got `str`; write it like `tokens =",
        ),
        ({"masks": "first"}, "masks: invalid enum value 'first'.*all, last, or final_answer"),
        ({"holdout": 1}, "holdout: expected .* < 1"),
        ({"holdout": float("nan")}, "holdout: expected"),
        ({"filters": "true"}, "filters: expected `array`, got `str`; write it like `filters = ."),
        ({"filters": ["nope"]}, "no column 'nope'"),
        ({"formats": []}, "formats is empty"),
        ({"mix": {"by": "intent"}}, "mix: object missing required field `weights`"),
        ({"mix": {"by": "intent", "weights": {"a": 0}}}, "mix.weights takes nothing"),
        ({"mix": {"by": "intent", "weights": {"a": float("inf")}}}, "mix.weights takes nothing"),
        ({"right_to_train": {"allow": {"a": True}}}, "right_to_train.allow: expected `array`"),
        ({"balance": 2}, "balance is for kto, .* leave it out for sft"),
        ({"objective": "kto", "balance": float("inf")}, "balance is inf: leave it out"),
        ({"objective": "dpo", "masks": "last"}, "rows of dpo have no turns to choose from"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_key_and_cure(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRecipe, match=why):
        recipefile.recipe({"objective": "sft", **keys})


def test_an_objective_is_needed_and_known() -> None:
    with pytest.raises(BadRecipe, match="no objective: name one of sft, kto"):
        recipefile.recipe({})
    with pytest.raises(UnknownObjective, match="no objective 'ppo'; there are"):
        recipefile.recipe({"objective": "ppo"})


def test_flags_go_before_the_file_and_leave_the_rest() -> None:
    keys = {"objective": "sft", "seed": 1, "caps": {"cluster": 4, "tokens": 9}}
    flags = {"seed": 2, "holdout": None, "caps.cluster": 1, "balance": None, "caps.customer": None}
    made = recipefile.recipe(recipefile.overridden(keys, flags))
    assert made == Recipe(objective="sft", seed=2, caps=Caps(cluster=1, tokens=9))
    assert keys["caps"] == {"cluster": 4, "tokens": 9}


def test_the_order_of_formats_filters_and_losses_says_nothing() -> None:
    one = {"objective": "sft", "formats": ["trl", "x"], "filters": ["true", "turns > 1"]}
    other = {**one, "formats": ["x", "trl", "x"], "filters": ["turns > 1", "true"]}
    assert recipefile.recipe(one) == recipefile.recipe(other)


def test_the_recipe_of_the_documentation_can_be_read() -> None:
    page = (Path(__file__).parents[3] / "docs/datasets.md").read_text()
    [text] = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)
    made = recipefile.recipe(tomllib.loads(text))
    assert made.caps.customer_by == "metadata.tenant" and made.mix is not None
    assert all(f"`{name}`" in page for name in COLUMNS)
    shown = {
        key for key in preset.ABOUT if f"`{key}`" in page or f"`{key.partition('.')[0]}`" in page
    }
    assert shown >= set(preset.ABOUT) - {
        "objective",
        "formats",
        "license",
        *SWITCHES,
        "caps.customer_by",
    }
