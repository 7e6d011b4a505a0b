"""A team's eval set as cases: once, edited as new cases, never half, never trained on."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.curate.decontaminate import decontaminate, leaks
from headrace.evals.addition import Added, add
from headrace.evals.case import build, cases, retire
from headrace.evals.cases.caserow import CasePicks
from headrace.evals.coverage import coverage
from headrace.evals.errors import CasesRefused
from headrace.evals.load import load
from headrace.evals.suite import runnable
from headrace.lake.record import Member

SUITE = "regression"
LATER = timedelta(days=1)
LONG = "Where in all the world did the third parcel of my order from last tuesday go"
Adding = Callable[..., Added]


@pytest.fixture
def adding(product: Any, tmp_path: Path) -> Adding:
    def run(*rows: dict[str, Any], days: int = 0, **options: Any) -> Added:
        file = tmp_path / "cases.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        fields = ("id", "slice", "cluster")
        there = {name: name for name in fields if any(name in row for row in rows)}
        picks = CasePicks(input="q", target="a", **there)
        when = product.now + days * LATER
        about = {"suite": SUITE, "now": when, **options}
        return add(product.lake, product.project, file, picks, **about)

    return run


def known(product: Any) -> dict[str, Any]:
    return {case.case_id: case for case in cases(product.lake, product.project, SUITE)}


def standing(product: Any) -> set[str]:
    return {name for name, case in known(product).items() if case.retired_at is None}


PARIS = {"id": "fr", "q": "Capital of France?", "a": "Paris"}
ROME = {"id": "it", "q": "Capital of Italy?", "a": "Rome"}


def test_rows_become_cases_a_model_can_be_put_to(product: Any, adding: Adding) -> None:
    done = adding({**PARIS, "slice": "geo", "cluster": "eu"}, {**ROME, "slice": None})
    assert (done.rows, done.added, done.unchanged, done.by_scorer) == (2, 2, 0, {"match": 2})
    paris = known(product)["fr"]
    assert json.loads(paris.input)["messages"] == [{"role": "user", "content": PARIS["q"]}]
    assert (json.loads(paris.target), paris.slice, paris.cluster) == ("Paris", "geo", "eu")
    assert json.loads(paris.origin) == {"from": "file", "file": "cases.jsonl", "row": "fr"}
    assert paris.origin_episode_id is None
    assert {case.case_id for case in runnable(product.lake, product.project, SUITE)} == {"fr", "it"}


def test_the_same_file_twice_adds_and_writes_nothing(product: Any, adding: Adding) -> None:
    adding(PARIS, ROME)
    snapshot = product.lake.snapshot_id
    again = adding(PARIS, ROME, days=1)
    assert (again.added, again.edited, again.unchanged) == (0, 0, 2)
    assert product.lake.snapshot_id == snapshot


def test_rows_without_an_id_are_named_by_their_content(product: Any, adding: Adding) -> None:
    bare = {"q": "Capital of France?", "a": "Paris"}
    done = adding(bare, bare)
    assert (done.added, done.unchanged) == (1, 1)
    assert adding(bare, days=1).added == 0
    assert adding({**bare, "a": "Lyon"}, days=1).added == 1


def test_an_edited_row_is_a_new_case_and_the_old_one_is_retired(
    product: Any, adding: Adding
) -> None:
    adding(PARIS, ROME)
    done = adding({**PARIS, "q": "What is the capital of France?"}, ROME, days=1)
    [edit] = done.edits
    assert (done.added, done.edited, done.unchanged) == (0, 1, 1)
    assert (edit.row, edit.instead_of) == ("fr", ("fr",))
    assert edit.case_id == f"fr@{known(product)[edit.case_id].content_hash[:8]}"
    assert standing(product) == {edit.case_id, "it"}
    assert known(product)["fr"].retired_at == product.now + LATER
    assert json.loads(known(product)["fr"].input)["messages"][0]["content"] == PARIS["q"]
    second = adding({**PARIS, "a": "Paris."}, days=2)
    assert second.edits[0].instead_of == (edit.case_id,)


def test_an_edit_taken_back_is_the_case_that_it_was(product: Any, adding: Adding) -> None:
    adding(PARIS)
    [edit] = adding({**PARIS, "a": "paris, France"}, days=1).edits
    back = adding(PARIS, days=2)
    assert (back.edits[0].case_id, back.edits[0].instead_of) == ("fr", (edit.case_id,))
    assert standing(product) == {"fr"}
    assert known(product)["fr"].added_at == product.now


def test_a_row_retired_by_hand_stays_retired(product: Any, adding: Adding) -> None:
    adding(PARIS, ROME)
    retire(product.lake, product.project, ["fr"], suite=SUITE, now=product.now)
    again = adding(PARIS, ROME, days=1)
    assert (again.retired, again.unchanged, again.added) == (1, 1, 0)
    assert standing(product) == {"it"}


def test_a_slice_is_no_content(product: Any, adding: Adding) -> None:
    adding(PARIS)
    done = adding({**PARIS, "slice": "geo"}, days=1)
    assert (done.relabelled, done.edited) == (1, 0)
    assert known(product)["fr"].slice == "geo"
    assert (adding(PARIS, days=2).unchanged, known(product)["fr"].slice) == (1, "geo")


def test_another_scorer_is_another_case(product: Any, adding: Adding) -> None:
    adding(PARIS)
    done = adding(PARIS, scorer="includes", days=1)
    assert (done.edited, done.by_scorer) == (1, {"includes": 1})


def test_one_id_for_two_contents_is_refused_and_nothing_written(
    product: Any, adding: Adding
) -> None:
    with pytest.raises(CasesRefused, match=r"jsonl:3: id 'fr' names another case at .*jsonl:1"):
        adding(PARIS, ROME, {**PARIS, "a": "Lyon"})
    assert known(product) == {}


def test_a_bad_row_leaves_nothing_half_written(product: Any, adding: Adding) -> None:
    with pytest.raises(CasesRefused, match=r"jsonl:2: input is int"):
        adding(PARIS, {"id": "x", "q": 7, "a": "y"})
    assert known(product) == {}


def test_a_case_from_production_is_not_edited_by_a_file(product: Any, adding: Adding) -> None:
    product.episode("e1")
    build(product.lake, product.project, suite=SUITE, now=product.now)
    [grown] = standing(product)
    with pytest.raises(CasesRefused, match="grown from production"):
        adding({**PARIS, "id": grown})


def test_a_case_known_by_its_scores_is_told_its_question(
    product: Any, adding: Adding, tmp_path: Path
) -> None:
    file = tmp_path / "scores.jsonl"
    file.write_text('{"release": "v1", "case_id": "fr", "value": 1}\n')
    load(product.lake, product.project, [file], suite=SUITE, now=product.now)
    done = adding(PARIS, days=1)
    assert (done.filled, done.added, done.edited) == (1, 0, 0)
    assert standing(product) == {"fr"}
    assert json.loads(known(product)["fr"].target) == "Paris"
    assert adding(PARIS, days=2).unchanged == 1


def test_an_episode_that_asks_what_an_added_case_asks_is_not_trained_on(
    product: Any, adding: Adding
) -> None:
    asked = [{"role": "user", "content": LONG}, {"role": "assistant", "content": "To Lyon."}]
    near = [{"role": "user", "content": f"Hello! {LONG}, please?"}, asked[1]]
    product.episode("same", split="train", messages=asked)
    product.episode("near", request="r2", split="train", messages=near)
    product.episode("other", request="r3", split="train")
    decontaminate(product.lake, product.project, now=product.now)
    assert leaks(product.lake, product.project, {"same", "near", "other"}) == []
    adding({"id": "p", "q": LONG.upper(), "a": "To Lyon."})
    decontaminate(product.lake, product.project, now=product.now + LATER)
    rows = [row for row in product.table("decisions") if row["step"] == "decontaminate"]
    decided = {row["episode_id"]: (row["kept"], row["reason"], row["because_of"]) for row in rows}
    assert decided["same"] == (False, "contaminated:exact", "p")
    assert decided["near"] == (False, "contaminated:ngram", "p")
    assert decided["other"][0] is True
    found = leaks(product.lake, product.project, {"same", "near", "other"})
    assert {leak.episode_id for leak in found} == {"same", "near"}


def test_a_case_that_a_data_set_gives_away_is_told(product: Any, adding: Adding) -> None:
    asked = [{"role": "user", "content": LONG}, {"role": "assistant", "content": "To Lyon."}]
    product.episode("same", split="train", messages=asked)
    row = Member(
        project=product.project,
        name="refunds",
        version="1",
        row_id="r",
        split="train",
        episode_ids=("same",),
    )
    product.lake.write(lambda tx: tx.append("members", [row]))
    done = adding({"id": "p", "q": LONG, "a": "To Lyon."}, PARIS)
    [one] = done.exported
    assert (one.case_id, one.episode_id, one.rule, one.dataset) == ("p", "same", "exact", "refunds")


def test_added_cases_stand_for_what_they_ask_and_are_not_grown_twice(
    product: Any, adding: Adding
) -> None:
    ask = [{"role": "user", "content": LONG}, {"role": "assistant", "content": "To Lyon."}]
    from headrace.curate.unit import named_request

    name = named_request(LONG)
    assert name is not None
    product.episode("e1", request=name, messages=ask, metadata={"intent": "parcels"})
    product.episode("e2", request="r2", metadata={"intent": "refunds"})
    adding({"id": "p", "q": LONG, "a": "To Lyon."}, {**PARIS, "cluster": "refunds"}, ROME)
    found = coverage(product.lake, product.project, SUITE)
    assert (found.any.intents, found.cases, found.outside) == (2, 3, 1)
    built = build(product.lake, product.project, suite=SUITE, now=product.now)
    assert (built.added, built.kept, built.retired) == (1, 3, 0)
