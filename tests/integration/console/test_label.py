"""`headrace label`: what people see of rules, judges and their agreement with those who know."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.lake import Lake

Headrace = Callable[..., Any]

PAGE = Path(__file__).parents[3] / "docs" / "labels.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
WHERE = ("--project", "mill")
RULES = """
-- name: never_fails
select episode_id, true as vote from current_episodes

-- name: knows
select episode_id, success as vote from current_episodes

-- name: broken
select episode_id, vote from nowhere
"""


@pytest.fixture(scope="module")
def lake(first_load: Any, home: Path) -> Iterator[Lake]:
    """Forty episodes that were loaded, and no night since."""
    with Lake.open(home) as opened:
        yield opened


@pytest.fixture
def rules(lake: Lake, headrace: Headrace) -> Iterator[None]:
    """A file of rules for the one project; its votes are taken back in the end."""
    home = lake.settings.home
    (home / "rules.sql").write_text(RULES)
    (home / "headrace.toml").write_text('[projects.mill]\nrules = "rules.sql"\n')
    yield
    (home / "headrace.toml").unlink()
    assert headrace("label", "run", *WHERE).code == 0


def documented() -> list[list[str]]:
    lines = "".join(BLOCK.findall(PAGE.read_text())).splitlines()
    return [shlex.split(line)[1:] for line in lines]


def test_rules_vote_and_each_one_is_held_against_those_who_know(
    rules: None, headrace: Headrace
) -> None:
    ran = headrace("label", "run", *WHERE, "--json")
    votes, resolved = ran.json
    assert (votes["name"], votes["notes"]["rule"]) == ("votes", 80)
    [(reason, count)] = votes["dropped"].items()
    assert reason.startswith("rule broken: CatalogException") and count == 1
    assert resolved["seen"] == 40
    shown = headrace("label", "show", *WHERE, "--against", "product", "--json").json
    found = {one["name"]: one for one in shown["found"]["witnesses"]}
    assert found["rule/knows"]["agreement"]["kappa"] == 1.0
    assert found["rule/never_fails"]["refuted"] and not found["rule/never_fails"]["trusted"]
    assert found["product/loaded"]["assumed"]
    assert [part["name"] for part in found["rule/knows"]["slices"]] == ["1.0", "1.1"]


def test_one_that_may_not_be_believed_is_said_to_be_so(rules: None, headrace: Headrace) -> None:
    headrace("label", "run", *WHERE)
    said = headrace("label", "show", *WHERE, "--against", "product").words
    assert "rule/never_fails is untrustworthy: kappa 0.00" in said
    assert "untrustworthy" in said and "taken to know" in said
    alone = headrace("label", "show", *WHERE).words
    assert "untrustworthy" not in alone  # people said nothing: nobody is compared with anybody


def test_commands_of_the_page_run(headrace: Headrace) -> None:
    for words in documented():
        ran = headrace(*words, *WHERE) if "--judge" not in words else headrace(*words, "--help")
        assert ran.code == 0, ran.err


def test_what_the_page_does_in_python_runs(
    headrace: Headrace, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    _, code = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    label = "insert into labels by name select episode_id, project, 'failure_reason' as name, "
    label += "'book err:denied' as value, 'signature' as source from current_episodes "
    lake.write(lambda tx: tx.run(label + "where project = 'mill' and resolution = 'failure'"))
    exec(code.replace('"support"', '"mill"'), {})
    assert "book err:denied" in capsys.readouterr().out
    shown = headrace("label", "show", *WHERE)
    assert "failures" in shown.out and "book err:denied" in shown.out
    lake.write(lambda tx: tx.run("delete from labels"))


def test_a_judge_that_there_is_not_is_refused_with_the_cure(headrace: Headrace) -> None:
    ran = headrace("label", "run", *WHERE, "--judge", "nobody/model")
    assert ran.code == 1
    assert "cannot be used" in ran.err and "PROVIDER/MODEL" in ran.err


def test_a_project_that_there_is_not_is_refused(headrace: Headrace) -> None:
    ran = headrace("label", "show", "--project", "mil")
    assert ran.code == 1 and "'mill'" in ran.err
