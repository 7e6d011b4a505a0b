import re
import sys
from pathlib import Path

import pytest

from headrace.curate.errors import RulebookError
from headrace.curate.labels.rule import Rule, SqlRule, rule
from headrace.curate.labels.rulebook import rulebook
from headrace.curate.vote import vote
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, said, short, user

PAGE = Path(__file__).parents[4] / "docs" / "labels.md"
HEAD = "from headrace.curate.labels.rule import rule\n"
PYTHON = f"""{HEAD}
LEAST = 2

@rule(name="talks", family="shape")
def talks(episode):
    return len(episode.messages) >= LEAST

@rule(name="no_error")
def fine(episode):
    return episode.error is None

def helper(episode):
    return True

again = talks
"""
SQL = """-- What money says.
-- name: refund
-- family: money
select episode_id, (metadata ->> 'refund') is null as vote from current_episodes;

-- name: cheap
select episode_id, cost_usd < 1 as vote from current_episodes;
"""


def book(folder: Path, text: str, name: str = "rules.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_functions_under_the_decorator_are_the_rules(tmp_path: Path) -> None:
    found = rulebook(book(tmp_path, PYTHON))
    assert [(one.name, one.family) for one in found] == [("talks", "shape"), ("no_error", None)]
    assert all(isinstance(one, Rule) for one in found)


def test_named_queries_are_the_rules(tmp_path: Path) -> None:
    found = rulebook(book(tmp_path, SQL, "rules.sql"))
    assert [(one.name, one.family) for one in found] == [("refund", "money"), ("cheap", None)]
    assert all(isinstance(one, SqlRule) for one in found)


def test_a_file_may_define_dataclasses(tmp_path: Path) -> None:
    text = (
        f"from __future__ import annotations\nfrom dataclasses import dataclass\n{HEAD}\n"
        "@dataclass\nclass Limit:\n    least: int\n\n"
        "@rule(name='r')\ndef r(episode):\n    return None\n"
    )
    assert [one.name for one in rulebook(book(tmp_path, text))] == ["r"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rules.py", "def broken(:\n", r"rules.py, line 1: it does not run: SyntaxError"),
        (
            "rules.py",
            "x = 1\nimport nowhere_at_all\n",
            r"rules.py, line 2: it does not run: ModuleNot",
        ),
        ("rules.py", "raise SystemExit(3)\n", r"rules.py, line 1: it does not run: SystemExit: 3"),
        ("rules.py", "def check(episode):\n    return True\n", r"holds no rule: put @rule"),
        ("rules.py", f"{HEAD}@rule(name='')\ndef a(e): ...\n", r"rules.py, line 2: .* give a name"),
        ("rules.py", f"{HEAD}rule(name='a')(3)\n", r"line 2: rule 'a' is 3: decorate a function"),
        (
            "rules.py",
            f"{HEAD}@rule(name='a')\ndef a(e): ...\n@rule(name='a')\ndef b(e): ...\n",
            r"several rules named a: rename",
        ),
        ("rules.sql", "select 1\n", r"rules.sql: SQL before the first"),
        ("rules.sql", "-- nothing\n", r"holds no rule: put a line '-- name"),
        ("rules.sql", "-- name: a\nselect from where\n", r"rule 'a' is no SQL: Parser Error"),
        ("rules.sql", "-- name: a\ndrop table episodes\n", r"rule 'a' has to be one query"),
        ("rules.sql", "-- name: a\nselect 1; select 2\n", r"rule 'a' has to be one query"),
        ("rules.sql", "-- name: a\n-- name: b\nselect 1\n", r"rule 'a' has to be one query"),
        ("rules.txt", "", r"rules.txt is no file of rules: give a .py or .sql file"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(RulebookError, match=message):
        rulebook(book(tmp_path, text, name))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match=r"no file of rules at .*rules\.py"):
        rulebook(tmp_path / "rules.py")


def test_a_file_that_fails_leaves_no_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    for text in ("raise ValueError\n", f"{HEAD}rule(name='')\n"):
        with pytest.raises(RulebookError):
            rulebook(book(tmp_path, text))
    assert set(sys.modules) == before


def test_the_decorator_asks_for_a_name() -> None:
    with pytest.raises(RulebookError, match="give a name"):
        rule(name=" ")


def shown(folder: Path, language: str) -> Path:
    """The rules that the page shows in a language, as a file."""
    text, *_ = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return book(folder, text, {"python": "r.py", "sql": "r.sql"}[language])


EXPECTED = {
    "python": {("answered", "kept"): 1, ("answered", "back"): 0},
    "sql": {("not_refunded", "kept"): 1, ("not_refunded", "back"): 0},
}


def test_the_rules_of_the_page_vote_on_episodes_of_a_lake(
    tmp_path: Path, lake: Lake, world: World
) -> None:
    world.post("kept", [user("hi"), said("hello")], metadata={"refund": None})
    world.post("back", [user("hi")], metadata={"refund": 12})
    world.drain(lake)
    for language in ("python", "sql"):
        path = shown(tmp_path, language)
        toml = f'[projects."{world.project}"]\nrules = "{path}"\n'
        (lake.settings.home / "headrace.toml").write_text(toml)
        assert vote(lake, world.project, now=NOW).dropped == {}
        sql = "select name, episode_id, value from votes where project = $project"
        rows = lake.sql(sql, {"project": world.project}).fetchall()
        heard = {
            (name, short(episode)): value for name, episode, value in rows if value is not None
        }
        assert heard == EXPECTED[language]
        lake.write(lambda tx: tx.run("delete from votes"))
