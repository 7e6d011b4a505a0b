"""How well reviewers agree, with one another and with what the votes said before they looked."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import msgspec
import numpy as np

from headrace.curate.labels import calibration
from headrace.evals.judges.agreement import Agreement, agree
from headrace.lake.statement import statements
from headrace.lake.store import Lake

LEAST = 50  # items; below, an interval says too little to be shown
SLICE = 20  # items of a slice


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Two who labelled the same items: reviewers, or a stratum's reviewers and the votes."""

    name: str
    items: int
    agreement: Agreement | None  # None: too few to be told


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """P(success) by the votes beside what people found, on the even sample."""

    items: int
    ece: float | None  # expected calibration error; None: too few to be told
    bins: tuple[calibration.Bin, ...]
    skipped: int  # of the even sample that reviewers could not tell: they are missing here


class Reviewing(msgspec.Struct, frozen=True, kw_only=True):
    """What the reviews of a project are worth."""

    project: str
    reviewers: Mapping[str, int]  # labels of each
    labelled: int  # items
    doubles: int  # of them by two who did not know of one another
    together: Part  # all doubles
    pairs: tuple[Part, ...]  # of two reviewers
    slices: tuple[Part, ...]  # doubles by release
    votes: tuple[Part, ...]  # reviewers against the state by votes, by why an item was picked
    calibration: Calibrated

    @property
    def words(self) -> str:
        """The finding in some sentences."""
        return " ".join(_words(self))


class _Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label that stands, and what its item knew when it was picked."""

    item_id: str
    stratum: str
    asked: int
    selection_probability: float | None
    drawn_at: Any
    resolution: str | None
    p_success: float | None
    reviewer: str
    success: bool
    release: str | None


def review(lake: Lake, project: str) -> Reviewing:
    """The agreement of reviewers, of reviewers and votes, and the calibration of the votes.

    What reviewers said is compared with what the votes said when the item was picked: later ones
    hold the review itself.
    """
    sql, where = statements("headrace.curate.review", "review.sql"), {"project": project}
    labels = [msgspec.convert(row, _Label) for row in lake.rows(sql["labelled"], where)]
    [passed] = lake.rows(sql["passed"], where)
    items: defaultdict[str, list[_Label]] = defaultdict(list)
    for label in labels:
        items[label.item_id].append(label)
    doubles = [pair for held in items.values() for pair in _pairs(held)]
    agreed = [said for held in items.values() if (said := _settled(held)) is not None]
    return Reviewing(
        project=project,
        reviewers=dict(Counter(label.reviewer for label in labels).most_common()),
        labelled=len(items),
        doubles=len({first.item_id for first, _ in doubles}),
        together=_part("all", doubles, LEAST),
        pairs=tuple(_parts(doubles, lambda pair: _names(*pair), LEAST)),
        slices=tuple(_parts(doubles, lambda pair: pair[0].release or "no release", SLICE)),
        votes=tuple(_against(agreed)),
        calibration=_calibrated(agreed, passed["skipped"]),
    )


_Pair = tuple[_Label, _Label]


def _pairs(held: Sequence[_Label]) -> Iterator[_Pair]:
    """Two labels of one item, by the names of their reviewers.

    Who was asked because others disagreed is left out: they would look worse than they are.
    """
    blind = min(2, held[0].asked - 1) if held[0].stratum == "disagreement" else len(held)
    yield from combinations(sorted(held[:blind], key=lambda label: label.reviewer), 2)


def _settled(held: Sequence[_Label]) -> _Label | None:
    """A label that says what most say; None: they are divided."""
    margin = sum(1 if label.success else -1 for label in held)
    return next((label for label in held if margin and label.success == (margin > 0)), None)


def _names(first: _Label, second: _Label) -> str:
    return f"{first.reviewer}, {second.reviewer}"


def _parts(pairs: Iterable[_Pair], name: Callable[[_Pair], str], least: int) -> Iterator[Part]:
    """By name, the largest first."""
    found: defaultdict[str, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        found[name(pair)].append(pair)
    for key in sorted(found, key=lambda key: (-len(found[key]), key)):
        yield _part(key, found[key], least)


def _part(name: str, pairs: Sequence[_Pair], least: int) -> Part:
    first, second = ([pair[i].success for pair in pairs] for i in (0, 1))
    return _compared(name, first, second, [pair[0].item_id for pair in pairs], least)


def _against(agreed: Iterable[_Label]) -> Iterator[Part]:
    """Reviewers beside the state by votes, where it was decided, by stratum.

    Strata are not added up: what was picked for being uncertain says nothing of all.
    """
    found: defaultdict[str, list[_Label]] = defaultdict(list)
    for label in agreed:
        if label.resolution in ("success", "failure"):
            found[label.stratum].append(label)
            if label.stratum != "random" and label.selection_probability is not None:
                found["random"].append(label)  # drawn by chance as well
    for name in sorted(found, key=lambda name: (name != "random", name)):
        said = [label.resolution == "success" for label in found[name]]
        truth, items = [label.success for label in found[name]], [x.item_id for x in found[name]]
        yield _compared(name, truth, said, items, SLICE)


def _compared(
    name: str, truth: Sequence[bool], said: Sequence[bool], items: Sequence[str], least: int
) -> Part:
    told = len(set(items)) >= least
    found = agree(list(map(int, truth)), list(map(int, said)), items) if told else None
    return Part(name=name, items=len(set(items)), agreement=found)


def _calibrated(agreed: Iterable[_Label], skipped: int) -> Calibrated:
    drawn = [label for label in agreed if label.selection_probability is not None]
    known = [label for label in drawn if label.p_success is not None]
    if len(known) < LEAST:
        return Calibrated(items=len(known), ece=None, bins=(), skipped=skipped)
    said = np.array([label.p_success for label in known], dtype=np.float64)
    truth = np.array([label.success for label in known], dtype=np.float64)
    chances = _chances(known)
    return Calibrated(
        items=len(known),
        ece=calibration.ece(said, truth, chances),
        bins=calibration.bins(said, truth, chances),
        skipped=skipped,
    )


def _chances(drawn: Sequence[_Label]) -> list[float]:
    """The chances over those of their night: a night that drew one weighs no more than one."""
    nights: defaultdict[Hashable, list[float]] = defaultdict(list)
    for label in drawn:
        nights[label.drawn_at].append(1 / (label.selection_probability or 1.0))
    means = {at: float(np.mean(weights)) for at, weights in nights.items()}
    weights = [1 / (label.selection_probability or 1.0) / means[label.drawn_at] for label in drawn]
    return [min(weights) / weight for weight in weights]


def _words(found: Reviewing) -> Iterator[str]:
    if not found.labelled:
        yield "No reviews yet: run `headrace review`."
        return
    yield _together(found)
    votes = next((part for part in found.votes if part.name == "random"), None)
    if votes is not None and votes.agreement is not None:
        share = f"{votes.agreement.agreement:.0%} of {votes.items}"
        yield f"On the even sample the votes say the same on {share}{_kappa(votes.agreement)}."
    yield _calibration(found.calibration)


def _together(found: Reviewing) -> str:
    both = found.together.agreement
    if both is None:
        reviews = "double review" if found.doubles == 1 else "double reviews"
        return f"How reviewers agree cannot be told yet: {found.doubles} {reviews}, {LEAST} needed."
    share = f"{both.agreement:.0%} of {found.doubles} double reviews"
    return f"Two reviewers agree on {share}{_kappa(both)}."


def _calibration(found: Calibrated) -> str:
    if found.ece is None:
        return (
            "Whether probabilities mean what they say cannot be told yet: "
            f"{found.items} of the even sample reviewed, {LEAST} needed."
        )
    return (
        f"Probabilities of success are off by {found.ece:.1%} on average, by {found.items} "
        "reviews of the even sample."
    )


def _kappa(found: Agreement) -> str:
    if found.kappa is None or found.low is None or found.high is None:
        return ""
    return f" (kappa {found.kappa:.2f}, {found.low:.2f} to {found.high:.2f})"
