"""A real app over a real lake, its keys pressed one by one."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from headrace.console.review.app import Items, ReviewApp, ReviewScreen
from headrace.console.review.session import Session
from headrace.lake import Lake
from tests.reviewed import NOW, Desk

SMALL, LARGE = (80, 24), (200, 50)


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake"), rng=random.Random(1)) as opened:
        yield opened


@pytest.fixture
def desk(lake: Lake, request: pytest.FixtureRequest) -> Desk:
    return Desk(lake, request.node.name)


@pytest.fixture
def three(desk: Desk) -> Desk:
    """Three items, in the order of their names."""
    for name in "abc":
        desk.add(name, p=0.5, resolution="conflicting", release="v2", model="m-1")
        known = {"p_success": 0.5, "resolution": "conflicting"}
        desk.ask(name, why="votes are split: p = .50", stratum="uncertainty", **known)
    desk.write()
    order = (
        "update review_items set picked_at = picked_at + (ascii(episode_id) || ' s')::interval "
        "where project = $p"
    )
    desk.lake.write(lambda tx: tx.run(order, {"p": desk.project}))
    return desk


class Sitting:
    """An app that is run by a test."""

    def __init__(self, app: ReviewApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def session(self) -> Session:
        return self.app.session

    @property
    def screen(self) -> ReviewScreen:
        found = self.app.screen_stack[1]
        assert isinstance(found, ReviewScreen)
        return found

    @property
    def at(self) -> str | None:
        """The episode under the cursor."""
        item = self.screen.current
        return None if item is None else item.episode_id

    @property
    def rows(self) -> list[str]:
        """What the terminal shows."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def talk(self) -> str:
        """The whole conversation, what is scrolled away included."""
        return "\n".join(str(view.render()) for view in self.screen.query("TurnView").results())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        """Until nothing is read or written any more."""
        await self.pilot.pause()
        while workers := [worker for worker in self.app.workers if not worker.is_finished]:
            for worker in workers:
                try:
                    await worker.wait()
                except WorkerCancelled:  # another item was looked at meanwhile
                    continue
            await self.pilot.pause()


@asynccontextmanager
async def sitting(
    desk: Desk, reviewer: str = "ada", size: tuple[int, int] = SMALL, lake: Lake | None = None
) -> AsyncIterator[Sitting]:
    ticks = iter(range(1_000_000))

    def clock() -> Any:
        return NOW + timedelta(hours=1, seconds=next(ticks))

    session = Session(lake or desk.lake, desk.project, reviewer, clock)
    app = ReviewApp(session)
    async with app.run_test(size=size) as pilot:
        sits = Sitting(app, pilot)
        await sits.settle()
        yield sits


Story = Callable[[Sitting], Awaitable[None]]


def play(desk: Desk, story: Story, **fields: Any) -> None:
    """Run a story in an app of its own."""

    async def run() -> None:
        async with sitting(desk, **fields) as sits:
            await story(sits)

    asyncio.run(run())


__all__ = ["LARGE", "SMALL", "Items", "Sitting", "play", "sitting"]
