"""What is asked over the conversation: a correction, a comment; and the list of keys."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

KEYS = """\
s         it went well
f         it failed
c         what should have been said: opens an editor on the last answer
k         skip: you cannot tell, or it is not yours to tell
x         flag: must not be trained on (asks why)
u         take the last answer back; again for the one before
j, down   next item            up         the one before
e         unfold all that is long, fold it again
tab       into the conversation: up and down scroll, enter unfolds one turn
page up, page down, space, home, end      scroll the conversation
r         look for what others answered meanwhile
q         leave; every answer is in the lake already"""


class CorrectionScreen(ModalScreen[str | None]):
    """Asks for what should have been said; None where the reviewer leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", priority=True),
        Binding("escape", "leave", priority=True),
    ]

    def __init__(self, said: str) -> None:
        super().__init__()
        self._said = said

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(Content("What should have been said?  ctrl+s saves, escape leaves"))
            yield TextArea(self._said, soft_wrap=True)
            yield Static(Content(""), classes="fault")

    def action_save(self) -> None:
        text = self.query_one(TextArea).text
        if not text.strip():
            self._refuse("Nothing is written: say what should have been said, or escape.")
        elif text.strip() == self._said.strip():
            self._refuse("Nothing is changed: edit the answer, or escape and press f.")
        else:
            self.dismiss(text)

    def action_leave(self) -> None:
        self.dismiss(None)

    def _refuse(self, why: str) -> None:
        self.query_one(".fault", Static).update(Content(why))


class CommentScreen(ModalScreen[str | None]):
    """Asks why an episode is flagged; None where the reviewer leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", priority=True)]

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(Content("Why must it not be trained on?  enter saves, escape leaves"))
            yield Input()
            yield Static(Content(""), classes="fault")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())
        else:
            self.query_one(".fault", Static).update(Content("Say why, or escape."))

    def action_leave(self) -> None:
        self.dismiss(None)


class HelpScreen(ModalScreen[None]):
    """The keys; any of them closes it."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(Content(KEYS))

    def on_key(self, event: Key) -> None:
        event.stop()  # it closes this, and is no answer to what lies below
        event.prevent_default()
        self.dismiss(None)
