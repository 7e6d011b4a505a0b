"""`headrace.toml`: where it is found, what overrides what, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from headrace.lake.errors import SettingsError
from headrace.lake.project import ELSEWHERE, place, settings_of, table
from headrace.lake.settings import Settings

EXAMPLE = """
waiting_days = 5
[thresholds]
helpfulness = ">= 0.7"
toxicity = "< 0.5"
[business]
currency = "USD"
days = 30
[projects.support]
waiting_days = 2
link_without_conversation = true
[projects.support.thresholds]
toxicity = "< 0.2"
[projects.support.business]
days = 7
[projects."a/b.c"]
waiting_days = 0
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home")


def write(settings: Settings, text: str) -> Path:
    path = settings.home / "headrace.toml"
    path.write_text(text)
    return path


def test_without_a_file_the_environment_holds_for_every_project(settings: Settings) -> None:
    told = Settings(home=settings.home, waiting_days=3, link_without_conversation=True)
    assert place(told) is None
    found = settings_of(told, "support")
    assert (found.waiting, found.link_without_conversation) == (timedelta(days=3), True)
    assert found.thresholds == {}
    assert settings_of(settings, "support").waiting == timedelta(days=7)


def test_a_project_goes_before_the_top_and_the_top_before_the_environment(
    settings: Settings,
) -> None:
    write(settings, EXAMPLE)
    told = Settings(home=settings.home, waiting_days=3, link_without_conversation=False)
    support, other = settings_of(told, "support"), settings_of(told, "other")
    assert (support.waiting, support.link_without_conversation) == (timedelta(days=2), True)
    assert (other.waiting, other.link_without_conversation) == (timedelta(days=5), False)
    assert {name: str(rule) for name, rule in support.thresholds.items()} == {
        "helpfulness": ">= 0.7",
        "toxicity": "< 0.2",
    }
    assert str(other.thresholds["toxicity"]) == "< 0.5"


def test_a_project_can_take_back_what_the_top_switches_on(settings: Settings) -> None:
    write(
        settings,
        "link_without_conversation = true\n[projects.a]\nlink_without_conversation = false",
    )
    found = [settings_of(settings, name).link_without_conversation for name in ("a", "b")]
    assert found == [False, True]


def test_no_waiting_at_all_is_a_choice_and_no_absence(settings: Settings) -> None:
    write(settings, EXAMPLE)
    assert settings_of(settings, "a/b.c").waiting == timedelta(0)


def test_tables_of_other_modules_are_merged_and_handed_on(settings: Settings) -> None:
    write(settings, EXAMPLE)
    assert table(settings, "support", "business") == {"currency": "USD", "days": 7}
    assert table(settings, "other", "business") == {"currency": "USD", "days": 30}
    write(settings, "")
    assert [table(settings, "other", name) for name in ELSEWHERE] == [{} for _ in ELSEWHERE]


def test_the_file_lies_in_the_home_or_beside_it_or_where_it_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    beside, named = tmp_path / "headrace.toml", tmp_path / "other.toml"
    beside.write_text("waiting_days = 1")
    assert place(settings) == beside
    inside = write(settings, "waiting_days = 2")
    assert place(settings) == inside
    named.write_text("waiting_days = 3")
    told = Settings(home=settings.home, config=named)
    assert settings_of(told, "p").waiting == timedelta(days=3)


def test_the_home_may_be_given_as_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "headrace.toml").write_text("waiting_days = 1")
    monkeypatch.chdir(tmp_path)
    assert settings_of(Settings(home=Path(".headrace")), "p").waiting == timedelta(days=1)


def test_a_file_that_is_named_and_absent_is_refused(settings: Settings) -> None:
    told = Settings(home=settings.home, config=settings.home / "none.toml")
    with pytest.raises(SettingsError, match=r"HEADRACE_CONFIG=.*none\.toml.*unset it"):
        settings_of(told, "p")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("waitingdays = 1", "no setting 'waitingdays': did you mean 'waiting_days'? there are "),
        ("[threshold]\na = '> 1'", "no setting 'threshold': did you mean 'thresholds'? "),
        ("[project.a]", "did you mean 'projects'? "),
        ("[projects.a]\nwaiting = 1", "no setting 'projects.a.waiting': "),
        ("[projects.a.projects.b]", "no setting 'projects.a.projects': "),
        ("[projects]\na = 1", "projects.a is 1: make it a table, [projects.a]"),
        ("projects = 1", "projects is 1: make it a table, [projects]"),
        ("business = 1", "business is 1: make it a table, [business]"),
        ("waiting_days = -1", "`waiting_days`"),
        ("waiting_days = nan", "`waiting_days`"),
        ("waiting_days = 36501", "`waiting_days`"),
        ("waiting_days = 'two'", "`waiting_days`"),
        ("waiting_days = true", "`waiting_days`"),
        ("[projects.a]\nlink_without_conversation = 1", "`projects.a.link_without_conversation`"),
        ("thresholds = 1", "`thresholds`"),
        ("[thresholds]\nhelpful = 0.7", "thresholds.helpful: 0.7 is no rule: write a comparator"),
        ("[projects.a.thresholds]\nx = '~ 1'", "projects.a.thresholds.x: '~ 1' is no rule"),
        ("waiting_days = ", "is no TOML: "),
    ],
)
def test_a_fault_is_told_with_its_place_and_the_cure(
    text: str, said: str, settings: Settings
) -> None:
    path = write(settings, text)
    with pytest.raises(SettingsError) as refused:
        settings_of(settings, "another project")
    assert str(refused.value).startswith(str(path))
    assert said in str(refused.value)


def test_a_file_that_is_no_text_is_refused(settings: Settings) -> None:
    path = settings.home / "headrace.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        settings_of(settings, "p")


def test_a_file_of_rules_lies_beside_the_file_that_names_it(settings: Settings) -> None:
    path = write(settings, 'rules = "rules.py"\n[projects.a]\nrules = "own/checks.sql"')
    assert settings_of(settings, "b").rules == path.parent / "rules.py"
    assert settings_of(settings, "a").rules == path.parent / "own" / "checks.sql"
    write(settings, f'rules = "{path.parent / "x.py"}"')
    assert settings_of(settings, "b").rules == path.parent / "x.py"
    write(settings, "waiting_days = 1")
    assert settings_of(settings, "b").rules is None


def test_a_project_can_do_without_the_second_finder_of_the_others(settings: Settings) -> None:
    write(settings, 'scrub_extra = "presidio"\n[projects.a]\nscrub_extra = "none"\n')
    assert settings_of(settings, "a").scrub_extra is None
    assert settings_of(settings, "b").scrub_extra == "presidio"
    write(settings, 'scrub_extra = "regex"\n')
    with pytest.raises(SettingsError, match=r"scrub_extra.*presidio|Invalid enum value 'regex'"):
        settings_of(settings, "a")


def test_a_project_says_how_long_its_review_queue_is(settings: Settings) -> None:
    found = settings_of(settings, "support")
    assert (found.review_size, found.review_twice) == (50, 0.1)
    write(settings, "review_size = 20\n[projects.support]\nreview_size = 0\nreview_twice = 1")
    support, other = settings_of(settings, "support"), settings_of(settings, "other")
    assert (support.review_size, support.review_twice) == (0, 1.0)
    assert (other.review_size, other.review_twice) == (20, 0.1)


def test_a_project_says_what_becomes_of_requests_that_may_rephrase_a_case(
    settings: Settings,
) -> None:
    found = settings_of(settings, "support")
    assert (found.hold_similar, found.judge_similar) == (True, None)
    write(settings, 'judge_similar = "quality"\n[projects.support]\nhold_similar = false')
    support, other = settings_of(settings, "support"), settings_of(settings, "other")
    assert (support.hold_similar, support.judge_similar) == (False, "quality")
    assert (other.hold_similar, other.judge_similar) == (True, "quality")


@pytest.mark.parametrize("line", ["review_size = -1", "review_size = 2.5", "review_twice = 1.1"])
def test_a_queue_of_no_size_is_refused(settings: Settings, line: str) -> None:
    write(settings, line)
    with pytest.raises(SettingsError, match=line.split()[0]):
        settings_of(settings, "support")
