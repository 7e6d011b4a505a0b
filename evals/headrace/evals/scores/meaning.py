"""What a value in a row of scores means: a number, a share in per cent, a word, or nothing."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from headrace.evals.errors import ScoresRefused

TRUTH: Mapping[str, float] = MappingProxyType({"true": 1.0, "false": 0.0})
_PER_CENT = 100
_TEXT = 80  # characters of a value in a complaint


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """How values of one load are read."""

    words: Mapping[str, float] = TRUTH  # casefolded; NaN: measured nothing
    out_of: float = 1.0  # the number that stands for 1

    @classmethod
    def of(
        cls,
        *,
        passing: Sequence[str] = (),
        failing: Sequence[str] = (),
        absent: Sequence[str] = (),
        out_of: float = 1.0,
    ) -> "Meaning":
        """Words of the user beside true and false. Raises ScoresRefused."""
        if not 0 < out_of < math.inf:
            raise ScoresRefused(f"--out-of {out_of:g}: give the highest value there is, as 100")
        words: dict[str, float] = {}
        for given, meant in ((passing, 1.0), (failing, 0.0), (absent, math.nan)):
            for word in given:
                if (name := word.strip().casefold()) in words and words[name] is not meant:
                    raise ScoresRefused(
                        f"{name!r} cannot mean both: name it with one of --pass, --fail, --absent"
                    )
                words[name] = meant
        return cls(words={**TRUTH, **words}, out_of=out_of)

    def value(self, where: str, value: object) -> float | None:
        """From 0 to 1; None: an attempt without a measurement. Raises ScoresRefused."""
        if value is None or value == "":
            return None
        found = self._read(value)
        if found is not None and math.isnan(found):
            return None
        if found is None or not 0 <= found <= 1:
            top = f"[0, {self.out_of:g}]"
            raise ScoresRefused(
                f"{where}: value {_shown(value)} is not in {top}: {_cure(value, found)}"
            )
        return found

    def _read(self, value: object) -> float | None:
        if isinstance(value, str):
            text = value.strip().casefold()
            if text in self.words:
                return self.words[text]
            value = text.removesuffix("%") if self.out_of == _PER_CENT else text
        found = number(value)
        return found if found is None or isinstance(value, bool) else found / self.out_of


def number(value: object) -> float | None:
    """A number, also as text; a boolean is one."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    try:
        return float(value) if isinstance(value, bool | int | float) else None
    except OverflowError:  # an integer beyond every float
        return math.inf


def _cure(value: object, found: float | None) -> str:
    if not isinstance(value, str) or found is not None or value.strip().endswith("%"):
        return "percentages are read with `--out-of 100`, other scales with their highest value"
    if number(value.replace(",", ".")) is not None:
        return "write decimals with a point"
    return (
        "say what words mean with `--pass WORD` (1), `--fail WORD` (0) and "
        "`--absent WORD` (not measured)"
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
