"""What a project may say of its votes, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from headrace.curate.labels.declared import PRODUCT, USER, ErrorRates, declared
from headrace.curate.labels.late import Late
from headrace.lake.errors import SettingsError
from headrace.lake.settings import Settings

EXAMPLE = """
rules = "rules.py"
[late.paid]
window_days = 3
silence = "failure"
[late.opened_again]
window_days = 0.5
silence = "success"
source = "user"
[families]
shape = ["rule/a", "rule/b"]
[error_rates]
user = 0.2
[projects.support.families]
openai = ["judge/x"]
[projects.support.late.paid]
window_days = 7
silence = "success"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def write(settings: Settings, text: str) -> None:
    (settings.home / "headrace.toml").write_text(text)


def test_without_a_file_nothing_is_awaited_and_everybody_stands_alone(settings: Settings) -> None:
    found = declared(settings, "p")
    assert (found.late, dict(found.families), found.rules) == ((), {}, None)
    assert found.rates == ErrorRates() and (PRODUCT, USER) == (0.02, 0.08)
    assert found.longest_window == timedelta()


def test_all_that_can_be_said_is_read(settings: Settings) -> None:
    write(settings, EXAMPLE)
    found = declared(settings, "p")
    assert found.late == (
        Late(name="paid", window=timedelta(days=3), silence=0),
        Late(name="opened_again", window=timedelta(hours=12), silence=1, source="user"),
    )
    assert dict(found.families) == {"rule/a": "shape", "rule/b": "shape"}
    assert (found.rates.user, found.rates.product) == (0.2, PRODUCT)
    assert found.longest_window == timedelta(days=3)
    assert found.rules == settings.home.absolute() / "rules.py"


def test_a_project_adds_to_what_the_top_says_and_goes_before_it(settings: Settings) -> None:
    write(settings, EXAMPLE)
    found = declared(settings, "support")
    assert dict(found.families) == {"rule/a": "shape", "rule/b": "shape", "judge/x": "openai"}
    [paid] = [one for one in found.late if one.name == "paid"]
    assert (paid.window, paid.silence) == (timedelta(days=7), 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[families]\na = "rule/x"', r"families\.a: Expected `array`"),
        ('[families]\na = ["x"]\nb = ["x"]', r"families\.b: 'x' is of family 'a' already"),
        ("[late.paid]\nwindow_days = 0\nsilence = 'failure'", r"late\.paid: .*> 0"),
        ("[late.paid]\nwindow_days = 3\nsilence = 'maybe'", r"late\.paid: .*maybe"),
        ("[late.paid]\nwindow_days = 3", r"late\.paid: .*silence"),
        ("[late]\npaid = 3", r"late\.paid: Expected `object`"),
        ("[error_rates]\nuser = 0.5", r"error_rates: .*< 0\.5"),
        ("[error_rates]\nusers = 0.1", r"error_rates: .*users"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(
    text: str, words: str, settings: Settings
) -> None:
    write(settings, text)
    with pytest.raises(SettingsError, match=words):
        declared(settings, "p")
