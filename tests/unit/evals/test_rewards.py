"""One answer is worth the same to every trainer, and to the evaluation."""

import asyncio
import doctest
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageUser, ModelName, ModelOutput
from inspect_ai.scorer import Target
from inspect_ai.solver import TaskState

from headrace.evals.errors import JudgeMissing, TargetUnusable, UnknownScorer
from headrace.evals.rewards import compute_score, score, trl_reward, verifiers_reward
from headrace.evals.scorers.case import case_scorer
from headrace.evals.scorers.table import scoring
from headrace.evals.scorers.written import answer, turns_in
from headrace.evals.scores.sample import value_of
from headrace.evals.solvers.reply import Reply, take
from headrace.exporters.row import ENOUGH
from headrace.exporters.task import SHORT
from headrace.lake.message import Body

WANTED = [{"name": "refund", "arguments": '{"order_id": "A1"}'}]
REFUND = '<tool_call>\n{"name": "refund", "arguments": {"order_id": "A1"}}\n</tool_call>'
MARK = "\nuser\n<tool_response>\nok\n</tool_response>\nassistant\n"  # between decoded turns

WORDS = st.sampled_from(["", "Paris", "paris", "In Paris.", "[1]", '{"a": 1}', "A1 B2"])
ARGUMENTS = st.sampled_from([{}, {"order_id": "A1"}, {"order_id": "A1", "n": 1.0}, {"n": 1}])
CALLS = st.lists(st.tuples(st.sampled_from(["refund", "look"]), ARGUMENTS), max_size=3)
ANSWERS = st.lists(st.tuples(WORDS, CALLS), min_size=1, max_size=3)
SCORERS = st.sampled_from(
    [
        ("exact", "Paris"),
        ("match", "PARIS"),
        ("includes", "paris"),
        ("regex", "(?i)paris"),
        ("regex:full", "[A-Z]\\d .*"),
        ("json_schema", '{"type": "object"}'),
        ("tool_calls", json.dumps(WANTED)),
        ("tool_calls", "[]"),
        ("tool_calls:names", json.dumps(WANTED)),
        ("tool_calls:in_order,more", json.dumps([*WANTED, {"name": "look", "arguments": {}}])),
        ("tool_calls:in_order,names", json.dumps([{"name": "look"}, *WANTED])),
        ("regex", "(unclosed"),
        ("tool_calls", "no JSON"),
        ("json_schema", "[]"),
    ]
)
Turns = Sequence[tuple[str, Sequence[tuple[str, Mapping[str, Any]]]]]


def messages(turns: Turns, arguments: Any = json.dumps) -> list[Body]:
    """In OpenAI's shape, a result after each call."""
    made: list[Body] = []
    for at, (text, calls) in enumerate(turns):
        told = [
            {
                "id": f"c{at}{n}",
                "type": "function",
                "function": {"name": name, "arguments": arguments(given)},
            }
            for n, (name, given) in enumerate(calls)
        ]
        made.append(
            {"role": "assistant", "content": text, **({"tool_calls": told} if told else {})}
        )
        made += [{"role": "tool", "content": "ok", "tool_call_id": call["id"]} for call in told]
    return made


def written(turns: Turns) -> list[str]:
    """Each turn as Hermes and Qwen write it."""
    return [
        "\n".join(
            [
                *filter(None, [text]),
                *(
                    f"<tool_call>\n{json.dumps({'name': name, 'arguments': given})}\n</tool_call>"
                    for name, given in calls
                ),
            ]
        )
        for text, calls in turns
    ]


def judged(scorer: str, reference: str, turns: Turns) -> float | None:
    """What the evaluation says."""
    asked = [ChatMessageUser(content="Where?")]
    state = TaskState(
        model=ModelName("mockllm/model"),
        sample_id="a",
        epoch=1,
        input=list(asked),
        messages=list(asked),
        output=ModelOutput.from_content("mock", ""),
        metadata={"scorer": scorer},
    )
    take(state, Reply(messages=tuple(messages(turns))))
    found = asyncio.run(case_scorer()(state, Target(reference)))
    assert found is not None
    return value_of(found.value)


def told_verl(scorer: str, reference: str, text: str) -> float | None:
    try:
        return compute_score("shop", text, reference, {"scorer": scorer, "index": 1})
    except TargetUnusable:
        return None


def told_verifiers(scorer: str, reference: str, turns: Turns) -> float | None:
    said = [
        {
            "role": "assistant",
            "content": text or None,
            "tool_calls": [
                {"id": "c", "type": "function", "name": name, "arguments": json.dumps(given)}
                for name, given in calls
            ]
            or None,
        }
        for text, calls in turns
    ]
    trace = SimpleNamespace(
        assistant_messages=[SimpleNamespace(model_dump=lambda one=one: one) for one in said]
    )
    task = SimpleNamespace(scorer=scorer, reference=reference)
    try:
        return asyncio.run(verifiers_reward(task, trace))
    except TargetUnusable:
        return None


@settings(max_examples=150, deadline=None)
@given(asked=SCORERS, turns=ANSWERS)
def test_an_answer_is_worth_the_same_at_every_door(asked: tuple[str, str], turns: Turns) -> None:
    scorer, reference = asked
    worth = judged(scorer, reference, turns)
    hermes = written(turns)
    spoken = [{"role": "assistant", "content": text} for text in hermes]
    assert score(scorer, reference, messages(turns)) == worth
    completions: list[str | Sequence[Body]] = [
        messages(turns),
        messages(turns, dict),
        spoken,
        MARK.join(hermes),
    ]
    names, references = [scorer] * 4, [reference] * 4
    assert trl_reward(completions, names, references, prompts=[""] * 4) == [worth] * 4
    assert told_verl(scorer, reference, MARK.join(hermes)) == worth
    assert told_verifiers(scorer, reference, turns) == worth


@pytest.mark.parametrize(
    ("said", "worth"),
    [
        (REFUND, 1),
        (f"<think>\nWhich one?\n</think>\n\n{REFUND}", 1),
        (f"It is A1.\n</think>\n\n{REFUND}", 1),
        (f"At once.\n{REFUND}", 1),
        (f"{REFUND}\n{REFUND}", 0),
        (f"<think>{REFUND}</think>", 0),
        (f"<think>\n{REFUND}", 0),
        (REFUND.removesuffix("</tool_call>"), 1),
        (REFUND[:-30], 0),
        (f"{REFUND}\n<tool_call>", 0),
        (REFUND.replace('"arguments"', '"parameters"'), 0),
        ("<tool_call>[]</tool_call>", 0),
        ('<tool_call>{"name": 1, "arguments": {}}</tool_call>', 0),
        ('<tool_call>{"name": "refund", "arguments": [1]}</tool_call>', 0),
        ("<tool_call>" + "[" * 100_000, 0),
        ('{"name": "refund", "arguments": {"order_id": "A1"}}', 0),
        ("", 0),
    ],
)
def test_calls_are_read_in_what_a_policy_writes_and_not_in_what_it_thinks(
    said: str, worth: float
) -> None:
    reference = json.dumps(WANTED)
    assert compute_score("shop", said, reference, {"scorer": "tool_calls"}) == worth


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Paris", "Paris"),
        (" Paris ", " Paris "),
        ("<think>\n\n</think>\n\nParis", "Paris"),
        ("So it is.</think>Paris", "Paris"),
        ("<think>So it is Paris", ""),
        (f"I look.\n{REFUND}", "I look."),
        (f"{REFUND}{MARK}Paris", "Paris"),
        (f"{REFUND}{MARK}<think>\n\n</think>\n\nParis", "Paris"),
        (f"{REFUND}{MARK}{REFUND}{MARK}", ""),
        (f"I am the user\n{REFUND}{MARK}Paris", "Paris"),
        ("", ""),
    ],
)
def test_the_text_of_an_answer_is_that_of_its_last_turn(said: str, text: str) -> None:
    assert answer(turns_in(said)).text == text


def test_no_turn_at_all_is_an_empty_answer() -> None:
    assert score("exact", "", [{"role": "tool", "content": "ok"}]) == 1
    assert score("match", "Paris", []) == 0


@pytest.mark.parametrize("door", [score, lambda s, r, m: trl_reward([m], [s], [r])])
def test_a_reward_asks_no_judge_and_knows_its_scorer(door: Any) -> None:
    with pytest.raises(JudgeMissing, match="'graded:partial' asks a judge"):
        door("graded:partial", "Be kind.", [])
    with pytest.raises(UnknownScorer, match="there are"):
        door("vibes", "", [])


def test_a_row_of_verl_without_a_scorer_says_how_to_export_one() -> None:
    for info in (None, {}, {"scorer": None}):
        with pytest.raises(UnknownScorer, match="--objective rl"):
            compute_score("shop", "Paris", "Paris", info)


@pytest.mark.parametrize("name", ["match", "tool_calls"])
def test_rows_name_their_scorers_as_scores_are_filed(name: str) -> None:
    """A new version of these wants its number in the rows."""
    assert scoring(name).identity == name


def test_the_page_shows_what_the_functions_say() -> None:
    page = Path(__file__).parents[3] / "docs" / "rewards.md"
    ran = doctest.testfile(str(page), module_relative=False)
    assert (ran.failed, ran.attempted) == (0, 6)


def test_the_page_names_the_limits_that_hold() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rewards.md").read_text()
    assert f"longer than {SHORT} characters" in page and f"in {ENOUGH} outcomes" in page
