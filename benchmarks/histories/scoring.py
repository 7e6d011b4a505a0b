"""What a rule says at every look of many histories, against what was true."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec
from histories.case import Case, History, make_case

Rule = Callable[[History], str]
STATES = ("improving", "plateaued", "regressed", "inconclusive")
# A claim is false where the truth is one of these; in the grey zone no claim is counted.
FALSE = MappingProxyType(
    {
        "plateaued": {"improving", "regressed", "saturated"},
        "improving": {"plateaued", "regressed"},
        "regressed": {"plateaued", "improving"},
    }
)


class Tally(msgspec.Struct, kw_only=True, eq=False):
    """One rule on one history."""

    false: set[str] = msgspec.field(default_factory=set)  # claims that were false at some look
    at_risk: set[str] = msgspec.field(default_factory=set)  # claims that would have been false
    seen: set[str] = msgspec.field(default_factory=set)  # truths that held
    hit: set[str] = msgspec.field(default_factory=set)  # those told while they held

    def note(self, said: str, truth: str) -> None:
        if said not in STATES:
            raise ValueError(f"a rule said {said!r}; it may say {', '.join(STATES)}")
        self.seen.add(truth)
        self.at_risk |= {claim for claim, wrong in FALSE.items() if truth in wrong}
        if truth in FALSE.get(said, ()):
            self.false.add(said)
        if said == truth:
            self.hit.add(truth)


class Rates(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One rule on all histories of a cell."""

    tallies: tuple[Tally, ...]

    def ever_false(self, claim: str) -> float | None:
        """Share of histories with this claim made falsely at any look; None: it never could be."""
        if not any(claim in tally.at_risk for tally in self.tallies):
            return None
        return sum(claim in tally.false for tally in self.tallies) / len(self.tallies)

    def hits(self, truth: str) -> float | None:
        """Share of histories in which a truth that held was told at some look."""
        held = [tally for tally in self.tallies if truth in tally.seen]
        return sum(truth in tally.hit for tally in held) / len(held) if held else None


def tally(case: Case, rules: Mapping[str, Rule], *, nightly: bool = False) -> dict[str, Tally]:
    """Every rule at every look of one history."""
    tallies = {name: Tally() for name in rules}
    for look in case.looks(nightly=nightly):
        for name, rule in rules.items():
            tallies[name].note(rule(look.history), look.truth)
    return tallies


def run_cell(
    scenario: str,
    rules: Mapping[str, Rule],
    seeds: Iterable[int],
    *,
    nightly: bool = False,
    **size: int | str,
) -> dict[str, Rates]:
    """All rules on the same histories."""
    rows = [tally(make_case(scenario, s, **size), rules, nightly=nightly) for s in seeds]
    return {name: Rates(tallies=tuple(row[name] for row in rows)) for name in rules}
