"""Text of strangers as a terminal may show it: nothing in it moves a cursor, hides or turns."""

import re
import unicodedata

_LINES = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_JOINERS = "\u200c\u200d"  # scripts and emoji are written with them
_C0 = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
_PICTURES = {**_C0, 0x7F: "\u2421"}  # U+2400 and on show the name of each control character
_ODD = re.compile(
    "[\x80-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_TAB = 4


def plain(text: str) -> str:
    """The text with all that is not seen made visible, its lines ended by a line feed alone.

    Controls become their pictures, text that would turn or hide what stands around it becomes the
    number of its character, half a character becomes U+FFFD.
    """
    lines = _LINES.sub("\n", text).translate(_PICTURES)
    return _ODD.sub(_shown, lines).expandtabs(_TAB)


def line(text: str, width: int | None = None) -> str:
    """The same on one line, cut where it is longer than `width`."""
    cut = text if width is None else text[: 4 * width + 100]
    found = " ".join(plain(cut).split())
    return found if width is None or len(found) <= width else f"{found[: width - 1]}…"


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    if character in _JOINERS:
        return character
    if unicodedata.category(character) == "Cs":
        return "\ufffd"
    return f"\\u{{{ord(character):x}}}"
