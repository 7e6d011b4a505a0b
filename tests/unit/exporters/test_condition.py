"""Filters of recipes: what they can say, and what a stranger who writes one cannot do."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters import cell
from headrace.exporters.condition import COLUMNS, Condition
from headrace.exporters.errors import BadRecipe

EPISODES = pa.table(
    {
        "episode_id": ["cheap", "dear", "unknown"],
        "cost_usd": [0.01, 2.0, None],
        "model": ["gpt-5-mini", "gpt-5", None],
        "turns": pa.array([2, 12, 3], pa.int64()),
        "defects": [["late"], [], ["late", "no_usage"]],
        "metadata": ['{"plan": "pro", "seats": 3}', '{"plan": "free"}', "{}"],
        "started_at": pa.array([0, 10**15, None], pa.timestamp("us", "UTC")),
    }
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("true", "cheap dear unknown"),
        ("cost_usd < 0.05", "cheap"),
        ("cost_usd is null or cost_usd > 1", "dear unknown"),
        ("model like 'gpt-5%' and not turns > 10", "cheap"),
        ("turns between 2 and 3", "cheap unknown"),
        ("model in ('gpt-5', 'o3')", "dear"),
        ("metadata ->> 'plan' = 'pro'", "cheap"),
        ("(metadata ->> 'seats')::int >= 3", "cheap"),
        ("list_contains(defects, 'late') and len(defects) = 1", "cheap"),
        ("started_at >= '1980-01-01'", "dear"),
        ("started_at < timestamptz '1970-01-01 00:00:00+00' + interval 2 days", "cheap"),
        ("case when turns > 10 then cost_usd > 1 else false end", "dear"),
        ("coalesce(model, 'none') = 'none'", "unknown"),
        ("EPISODES.Turns = 12 -- a remark", "dear"),
        ("regexp_matches(model, '-mini$')", "cheap"),
    ],
)
def test_a_condition_keeps_the_episodes_of_which_it_is_true(text: str, kept: str) -> None:
    assert {*cell.true_of(Condition.of(text).text, EPISODES).kept} == {*kept.split()}


def test_the_cell_is_a_process_of_its_own_that_says_the_same() -> None:
    assert Condition.of("turns > 2 and model = 'gpt-5'").kept(EPISODES) == {"dear"}


def test_a_condition_names_the_columns_it_reads() -> None:
    found = Condition.of("lower(Model) = 'o3' or episodes.turns > 3 and turns < 9")
    assert found.columns == ("model", "turns")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("  \n", "it is empty"),
        ("cost > 1", "no column 'cost'; there are: episode_id, "),
        ("metadata.plan = 'pro'", "write metadata ->> 'plan'"),
        ("turns >", "syntax error at its end: write a condition"),
        ("turns > 1; drop table episodes", "syntax error"),
        ("true) from episodes, (select 1", "syntax error"),
        ("true) as a, (false", "more than one expression"),
        ("true) from episodes where (false", "syntax error"),
        ("true) from episodes union select (true", "more than one expression"),
        ("turns > (select 1)", "a query may not stand in it"),
        ("exists (from read_text('/etc/passwd'))", "a query may not stand in it"),
        ("turns = any(select 1)", "a query may not stand in it"),
        ("turns > ?", "a parameter may not stand in it"),
        ("turns > $turns", "a parameter may not stand in it"),
        ("columns('.*') = 1", "`\\*` may not stand in it"),
        ("sum(turns) over () > 1", "window may not stand in it"),
        ("count(*) > 1", "no function 'count_star' here; there are: abs, "),
        ("random() < 0.5", "no function 'random'"),
        ("started_at > now()", "no function 'now'"),
        ("started_at > current_timestamp", "no column 'current_timestamp'"),
        ("read_text('/etc/passwd') = ''", "no function 'read_text'"),
        ("getenv('HOME') = ''", "no function 'getenv'"),
        ("current_setting('memory_limit') = ''", "no function 'current_setting'"),
        ("repeat('x', 9999999999) = ''", "no function 'repeat'"),
        ("list_sum(range(9999999999)) > 1", "no function"),
        ("true or " * 2_000 + "true", "it has 16004 characters, and 10000 is the most"),
        ("not " * 2_000 + "true", "."),
    ],
)
def test_what_is_no_plain_condition_is_told_in_one_line(text: str, why: str) -> None:
    with pytest.raises(BadRecipe, match=why) as refused:
        Condition.of(text)
    said = str(refused.value)
    assert said.startswith("filter ") and "\n" not in said and len(said) < 1_200


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["(", ")", "'", '"', ";", "--", "/*", "*/", ",", "\n", "\x00", "$$"]),
            st.sampled_from(
                ["select", "from", "episodes", "true", "turns", "> 1", "union", "as x"]
            ),
            st.sampled_from(["copy", "attach '/tmp/x'", "read_csv('/etc/passwd')", "pragma x"]),
            st.text(max_size=3),
        ),
        max_size=8,
    ).map(" ".join)
)
def test_any_text_is_a_condition_on_episodes_or_refused(text: str) -> None:
    try:
        found = Condition.of(text)
    except BadRecipe:
        return
    told = cell.true_of(found.text, EPISODES)
    assert told.bad or {*told.kept} <= {"cheap", "dear", "unknown"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("turns", "it gives BIGINT, not true or false: write a condition"),
        ("model::int = 3", "Could not convert string 'gpt-5-mini'"),
    ],
)
def test_what_shows_only_with_episodes_is_told_in_one_line_too(text: str, why: str) -> None:
    with pytest.raises(BadRecipe, match=why) as refused:
        Condition.of(text).kept(EPISODES)
    assert "\n" not in str(refused.value)


def test_past_the_lists_a_wall_stands_around_the_engine(tmp_path: Path) -> None:
    secret, made = tmp_path / "secret", tmp_path / "made"
    secret.write_text("here")
    for text in (
        f"(select content from read_text('{secret}')) = 'here'",
        f"true) from episodes; copy episodes to '{made}'; select 'x', (true",
        f"true) from episodes; attach '{made}' as x; select 'x', (true",
        f"true) from read_text('{secret}'), (from episodes",
        "true) from episodes; set enable_external_access = true; select 'x', (true",
    ):
        assert "Error" in (cell.true_of(text, EPISODES).bad or "")
    assert not made.exists()


def test_no_column_holds_what_was_said_but_the_scrubbed_request() -> None:
    assert {"messages", "error", "attributes"}.isdisjoint(COLUMNS)
