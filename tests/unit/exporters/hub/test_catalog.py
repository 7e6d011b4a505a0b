from typing import Any

import pytest
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters.hub import catalog

PAGE = """\
---
license: mit
pretty_name: refunds
tags:
- headrace
- {name}
configs:
- config_name: {name}
  default: true
  description: refunds v1
  data_files:
  - split: train
    path: data/train-*.parquet
dataset_info:
- config_name: {name}
  features:
  - name: row_id
    dtype: string
---

# refunds

All about it.
"""
SETS = st.lists(st.sampled_from(["kto", "dpo", "rm", "rl"]), unique=True, min_size=1)


def page(name: str) -> str:
    return PAGE.format(name=name)


def below(name: str, **config: Any) -> catalog.Config:
    [one] = catalog.configs(page(name))
    return one.below(f"{name}/")


def header(card: str) -> dict[str, Any]:
    found: Any = DatasetCard(card)
    read: dict[str, Any] = found.data.to_dict()
    return read


def test_a_card_alone_is_left_as_it_is() -> None:
    assert catalog.joined(page("sft"), []) == page("sft")


@given(names=SETS)
def test_every_config_is_there_once_and_the_root_is_the_default(names: list[str]) -> None:
    card = page("sft")
    for name in names:
        card = catalog.joined(card, [below(name)])
    read = header(card)
    assert [one["config_name"] for one in read["configs"]] == ["sft", *sorted(names)]
    assert [one.get("default") for one in read["configs"]] == [True, *[None] * len(names)]
    assert {one["config_name"] for one in read["dataset_info"]} == {"sft", *names}
    assert {"headrace", "sft", *names} == set(read["tags"])
    assert card.count("All about it.") == 1
    for name in names:
        assert card.count(f"* `{name}`: refunds v1, [its card]({name}/README.md)") == 1


@given(names=SETS)
def test_the_order_of_pushes_leaves_no_trace_and_a_second_one_none_at_all(
    names: list[str],
) -> None:
    forth, back, at_once = page("sft"), page("sft"), [below(name) for name in names]
    for name in names:
        forth = catalog.joined(forth, [below(name)])
    for name in reversed(names):
        back = catalog.joined(back, [below(name)])
    assert catalog.configs(forth) == catalog.configs(catalog.joined(page("sft"), at_once))
    assert {one.name for one in catalog.configs(back)} == {
        one.name for one in catalog.configs(forth)
    }
    assert catalog.joined(forth, at_once) == forth


def test_the_files_of_a_set_below_the_root_are_looked_for_there() -> None:
    assert below("kto").config["data_files"] == [
        {"split": "train", "path": "kto/data/train-*.parquet"}
    ]


def test_two_licenses_are_both_told() -> None:
    other = catalog.configs(page("kto").replace("license: mit", "license: other"))
    card = catalog.joined(page("sft"), [one.below("kto/") for one in other])
    assert header(card)["license"] == ["mit", "other"]


@pytest.mark.parametrize("card", ["", "no header", "---\n: : [\n---\n"])
def test_a_page_that_is_no_card_has_no_configs_and_takes_one(card: str) -> None:
    assert catalog.configs(card) == []
    read = header(catalog.joined(card, [below("kto")]))
    assert [one["config_name"] for one in read["configs"]] == ["kto"]
