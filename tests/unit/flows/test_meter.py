"""How far a step is: told to whoever watches, and to Prefect a few percent at a time."""

from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.flows import meter
from headrace.flows.meter import Meter, unwatched


class Pages:
    """The artifacts of Prefect, in memory."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []
        self.said: list[float] = []

    def create(self, progress: float, key: str, description: str) -> UUID:
        self.made.append((key, description))
        self.said.append(progress)
        return uuid4()

    def update(self, artifact: UUID, progress: float) -> None:
        self.said.append(progress)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    made = Pages()
    monkeypatch.setattr(meter, "create_progress_artifact", made.create)
    monkeypatch.setattr(meter, "update_progress_artifact", made.update)
    return made


def test_whoever_watches_hears_of_every_part_and_prefect_of_some(pages: Pages) -> None:
    heard: list[tuple[str, str, int, int]] = []
    one = Meter("support", "units", lambda *told: heard.append(told))
    for done in range(0, 1001):
        one(done, 1000)
    assert heard == [("support", "units", done, 1000) for done in range(0, 1001)]
    assert pages.said[0] == 0
    assert pages.said[-1] == 100
    assert 40 <= len(pages.said) <= 60
    assert pages.made == [("units-support", "units of support")]


def test_a_step_that_tells_nothing_is_finished_all_the_same(pages: Pages) -> None:
    one = Meter("support", "split", unwatched)
    one.finished()
    one.finished()
    assert pages.said == [100]


def test_nothing_to_do_is_all_done(pages: Pages) -> None:
    Meter("support", "scrub", unwatched)(0, 0)
    assert pages.said == [100]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a machine under load
@given(st.text(max_size=50), st.text(max_size=50))
def test_a_key_is_one_that_prefect_takes_and_no_two_projects_share_it(
    name: str, other: str
) -> None:
    keys = [Meter(project, "cases_of", unwatched).key for project in (name, other)]
    for key in keys:
        assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert len(key) < 80 and not key.endswith("-")
    assert (keys[0] == keys[1]) == (name == other)
