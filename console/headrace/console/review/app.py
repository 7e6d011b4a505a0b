"""`headrace review` on a terminal: one episode at a time, one key an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

import duckdb
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from headrace.console.review import words
from headrace.console.review.dialog import CommentScreen, CorrectionScreen, HelpScreen
from headrace.console.review.plain import line, plain
from headrace.console.review.session import Session
from headrace.console.review.turn import HEAD, Role, Turn, last_said, turns
from headrace.curate.review.item import Look, Waiting
from headrace.lake.errors import HeadraceError
from headrace.lake.record import ReviewAction

KEYS = "s success  f failure  c correct  k skip  x flag  u undo  ? help  q quit"
EVERY_S = 15.0  # what others answered is looked for
BATCH = 40  # turns that are put on the screen at once

Doing = Callable[[], Awaitable[None]]

_STYLES: dict[Role, str] = {
    "system": "bold $secondary",
    "user": "bold $success",
    "assistant": "bold $primary",
    "tool": "bold $warning",
    "other": "bold",
}


class Items(OptionList, inherit_bindings=False):
    """The list; keys that scroll are left to the conversation."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "cursor_down"),
        Binding("up", "cursor_up"),
    ]


class TurnView(Static, can_focus=True):
    """A turn; enter or a click unfolds it and folds it again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "fold")]

    def __init__(self, turn: Turn) -> None:
        super().__init__(markup=False)
        self.turn = turn
        self.fold(turn.folded is not None)

    def fold(self, folded: bool) -> None:
        self.folded = folded and self.turn.folded is not None
        body = self.turn.folded if self.folded else self.turn.body
        self.update(Content.assemble((self.turn.title, _STYLES[self.turn.role]), f"\n{body}"))

    def action_fold(self) -> None:
        self.fold(not self.folded)

    def on_click(self) -> None:
        self.action_fold()


class ReviewScreen(Screen[None]):
    """List, conversation, and what is known."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "say('success')"),
        Binding("f", "say('failure')"),
        Binding("k", "say('skip')"),
        Binding("c", "correct"),
        Binding("x", "flag"),
        Binding("u", "undo"),
        Binding("j", "next"),
        Binding("e", "unfold"),
        Binding("r", "refresh"),
        Binding("question_mark", "help"),
        Binding("q", "leave"),
        Binding("pagedown,space", "scroll(1)"),
        Binding("pageup", "scroll(-1)"),
        Binding("home", "edge(0)"),
        Binding("end", "edge(1)"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.shown: str | None = None  # the item whose conversation is on the screen
        self.look: Look | None = None  # what is known of it
        self._idle = asyncio.Event()  # no answer is being written
        self._idle.set()
        self._turn = asyncio.Lock()  # the session is asked one thing at a time

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        with Horizontal():
            yield Items(id="items", markup=False)
            with Vertical(id="right"):
                yield Static(id="about", markup=False)
                yield VerticalScroll(id="talk")
        with Vertical(id="foot"):
            yield Static(id="note", markup=False)
            yield Static(Content(KEYS), id="keys", markup=False)

    async def on_mount(self) -> None:
        self._items.focus()
        self._list()
        self.set_interval(EVERY_S, self.action_refresh)
        if self.session.items:
            self._items.highlighted = 0

    @property
    def current(self) -> Waiting | None:
        """The item under the cursor."""
        at = self._items.highlighted
        return None if at is None or at >= len(self.session.items) else self.session.items[at]

    def on_option_list_option_highlighted(self) -> None:
        self._mark()
        if (item := self.current) is not None and item.item_id != self.shown:
            self._show(item)

    def action_say(self, action: ReviewAction) -> None:
        if (shown := self._answerable()) is not None:
            self._say(*shown, action)

    def action_correct(self) -> None:
        if (shown := self._answerable()) is None:
            return
        item, look = shown
        said = last_said(look.conversation.messages)
        if len(said) > HEAD:
            self.note(f"The last answer has {len(said):,} characters: too many to edit here.")
            return

        def answered(text: str | None) -> None:
            if text is not None:
                message = {"role": "assistant", "content": text}
                self._say(item, look, "correction", correction=message)

        self.app.push_screen(CorrectionScreen(plain(said)), answered)

    def action_flag(self) -> None:
        if (shown := self._answerable()) is None:
            return

        def answered(text: str | None) -> None:
            if text is not None:
                self._say(*shown, "flag", comment=text)

        self.app.push_screen(CommentScreen(), answered)

    def action_undo(self) -> None:
        if self._idle.is_set():
            self._write(self._undoing)

    def action_next(self) -> None:
        """The next item that is open, from the top again after the last one."""
        at = -1 if self._items.highlighted is None else self._items.highlighted
        order = [*range(at + 1, len(self.session.items)), *range(at + 1)]
        given = self.session.given
        found = (i for i in order if self.session.items[i].item_id not in given)
        self._items.highlighted = next(found, self._items.highlighted)

    def action_unfold(self) -> None:
        views = list(self.query(TurnView))
        folded = any(view.folded for view in views)
        for view in views:
            view.fold(not folded)

    def action_refresh(self) -> None:
        self._ask(self._refreshing)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen())

    async def action_leave(self) -> None:
        await self._idle.wait()
        self.app.exit()

    def action_scroll(self, way: int) -> None:
        (self._talk.scroll_page_down if way > 0 else self._talk.scroll_page_up)(animate=False)

    def action_edge(self, end: int) -> None:
        (self._talk.scroll_end if end else self._talk.scroll_home)(animate=False)

    def note(self, text: str) -> None:
        """One line for the reviewer, until the next one."""
        self.query_one("#note", Static).update(Content(line(text, 400)))

    @property
    def _items(self) -> Items:
        return self.query_one(Items)

    @property
    def _talk(self) -> VerticalScroll:
        return self.query_one("#talk", VerticalScroll)

    def _answerable(self) -> tuple[Waiting, Look] | None:
        """The item on the screen, where it waits for an answer: none is answered unseen."""
        item = self.current
        if item is None or not self._idle.is_set():
            return None
        if (given := self.session.given.get(item.item_id)) is not None:
            self.note(f"You have said {given.action} here; u takes the last answer back.")
            return None
        if item.item_id != self.shown or self.look is None:
            self.note("It is still being read.")
            return None
        return item, self.look

    def _list(self) -> None:
        """Draw list and progress anew; the cursor stays on its item."""
        here = self.current
        self._items.clear_options()
        self._items.add_options(
            [Option(self._entry(item, here=item is here)) for item in self.session.items]
        )
        done, total = len(self.session.given), len(self.session.items)
        told = f"{done} of {total}  {self.session.reviewer}  {self.session.project}"
        self.query_one("#title", Static).update(Content(line(f"headrace review  {told}", 400)))

    def _entry(self, item: Waiting, *, here: bool) -> Content:
        given = self.session.given.get(item.item_id)
        return Content(words.entry(item, given, self.session.clock(), here=here))

    def _mark(self) -> None:
        here = self.current
        for i, item in enumerate(self.session.items):
            if i < self._items.option_count:
                self._items.replace_option_prompt_at_index(i, self._entry(item, here=item is here))

    def _redraw(self, stay: str | None) -> None:
        """After the items changed: the list, with the cursor on an item where it is still there."""
        self._list()
        names = [item.item_id for item in self.session.items]
        if names:
            self._items.highlighted = names.index(stay) if stay in names else 0
        if not self.session.open:
            self.note("Nothing is left here: `headrace nightly` fills the queue. q leaves.")

    @work(exclusive=True, group="look")
    async def _show(self, item: Waiting) -> None:
        self.shown = self.look = None
        try:
            look = await asyncio.to_thread(self.session.look, item)
        except (HeadraceError, duckdb.Error) as error:
            self.note(f"It cannot be read: {error}")
            return
        about = "\n".join(words.about(item, look))
        self.query_one("#about", Static).update(Content(about))
        await self._talk.remove_children()
        self._talk.scroll_home(animate=False)
        if look is None:
            self.note("Its episode has changed and waits for `headrace nightly`: look at another.")
            return
        await self._fill(look)
        self.shown, self.look = item.item_id, look
        await self._ahead()

    async def _fill(self, look: Look) -> None:
        views = [TurnView(turn) for turn in turns(look.conversation.messages)]
        for start in range(0, len(views), BATCH):
            await self._talk.mount_all(views[start : start + BATCH])

    async def _ahead(self) -> None:
        """Read the item that comes next while this one is looked at."""
        order = self.session.open
        at = next((i for i, item in enumerate(order) if item.item_id == self.shown), None)
        if at is not None and at + 1 < len(order):
            with suppress(HeadraceError, duckdb.Error):  # told when its turn comes
                await asyncio.to_thread(self.session.look, order[at + 1])

    def _say(self, item: Waiting, look: Look, action: ReviewAction, **fields: Any) -> None:
        """Answer an item as it was looked at."""
        given = {"revision": look.conversation.revision, **fields}
        self._write(partial(self._saying, item, action, given))

    def _write(self, doing: Doing) -> None:
        self._idle.clear()  # at once: a key that was pressed twice says one thing
        self._ask(partial(self._writing, doing))

    async def _writing(self, doing: Doing) -> None:
        try:
            await doing()
        finally:
            self._idle.set()

    @work(group="ask")
    async def _ask(self, doing: Doing) -> None:
        async with self._turn:
            await doing()

    async def _saying(self, item: Waiting, action: ReviewAction, fields: dict[str, Any]) -> None:
        said = await self._tried(partial(self.session.say, item, action, **fields))
        if said is None:
            await self._tried(partial(self.session.forget, item))
            self.shown = None
            self._redraw(item.item_id)
            return
        self.note(f"{said.action} on {item.item_id}; u takes it back.")
        self._redraw(item.item_id)
        self.action_next()

    async def _undoing(self) -> None:
        review = await self._tried(self.session.undo)
        if review is not None:
            self.note(f"Taken back: {review.action} on {review.item_id}.")
            self._redraw(review.item_id)
        elif not self.session.given:
            self.note("There is nothing to take back.")

    async def _refreshing(self) -> None:
        before, here = self.session.items, self.current
        await self._tried(self.session.refresh)
        if self.session.items != before:
            self._redraw(here.item_id if here else None)

    async def _tried(self, doing: Callable[[], Any]) -> Any:
        """What the lake says, aside; a refusal is told and gives None."""
        try:
            return await asyncio.to_thread(doing)
        except (HeadraceError, duckdb.Error) as error:
            self.note(str(error))
            return None


class ReviewApp(App[None]):
    """The app of one sitting."""

    CSS_PATH = "review.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "headrace review"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def on_mount(self) -> None:
        self.push_screen(ReviewScreen(self.session))
