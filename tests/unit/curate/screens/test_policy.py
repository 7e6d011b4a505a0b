from pathlib import Path

import pytest

from headrace.curate.screens.policy import policy
from headrace.lake.errors import SettingsError
from headrace.lake.settings import Settings


def told(home: Path, text: str) -> Settings:
    (home / "headrace.toml").write_text(text)
    return Settings.load(home)


def test_all_screens_are_on_until_somebody_says_otherwise(tmp_path: Path) -> None:
    found = policy(Settings.load(tmp_path), "p")
    assert (found.share, found.residual, found.injection, found.self_scoring) == (
        0.2,
        4.0,
        True,
        True,
    )


def test_each_can_be_off_or_strict(tmp_path: Path) -> None:
    text = (
        "[screens]\nheavy_user = false\nscore_outlier = 6\n[projects.p.screens]\ninjection = false"
    )
    found = policy(told(tmp_path, text), "p")
    assert (found.share, found.residual, found.injection) == (None, 6.0, False)
    assert policy(told(tmp_path, text), "q").injection
    assert policy(told(tmp_path, "[screens]\nheavy_user = true"), "p").share == 0.2


@pytest.mark.parametrize("line", ["heavy_user = 2", "injections = true", "heavy_user_least = 0"])
def test_a_fault_is_named_with_the_keys_there_are(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match=r"headrace\.toml, screens: .*heavy_user_least"):
        policy(told(tmp_path, f"[screens]\n{line}"), "p")
