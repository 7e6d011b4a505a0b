"""Why an episode was picked, in words for whoever looks at it."""

from collections.abc import Mapping
from typing import Any

from headrace.curate.labels.review import Pick
from headrace.curate.labels.signature import Signature

_SPLIT = 0.25  # votes are split where they are no further from a toss-up
DIVIDED = "people disagree: one more look settles it"
_SAID = ("failure", "success")


class Reasons:
    """Sentences for picks; knows which failures a medoid stands for."""

    def __init__(self, typical: Mapping[int, tuple[int, Signature]]) -> None:
        self._typical = typical

    def why(self, pick: Pick, row: Mapping[str, Any]) -> str:
        """`row` is the episode's in the population."""
        match pick.stratum:
            case "random":
                chance = pick.selection_probability or 1.0
                return f"drawn at random (1 of {round(1 / chance):,}): these speak for all"
            case "disagreement":
                return _divided(row)
            case "medoid":
                size, signature = self._typical[pick.place]
                failed = f"{signature.tool} err:{signature.code}"
                count = "one failure" if size == 1 else f"{size:,} failures"
                return f"typical of {count}: {failed}"
            case "uncertainty":
                return _uncertain(row)


def _divided(row: Mapping[str, Any]) -> str:
    if min(row["judge"], row["outcome"]) >= 0 and row["judge"] != row["outcome"]:
        who = "user" if row["by_user"] else "product"
        return f"the judge says {_SAID[row['judge']]}, the {who} says {_SAID[row['outcome']]}"
    likely = probability(row["success"])
    return f"it counts as a {row['resolution']}, yet by all votes p = {likely}"


def _uncertain(row: Mapping[str, Any]) -> str:
    if row["held"] is not None:
        return f"held back until a person has looked: {row['held'].replace('_', ' ')}"
    if row["suspicion"] > 0:
        return "its mark looks wrong: episodes like it went the other way"
    if row["success"] is None:
        return "nobody has said how it went"
    likely = probability(row["success"])
    if abs(row["success"] - 0.5) <= _SPLIT:
        return f"votes are split: p = {likely}"
    return f"the least certain of what is left: p = {likely}"


def probability(value: float) -> str:
    """Two digits; what is not certain is never written as though it were."""
    shown = f"{min(max(value, 0.01), 0.99) if 0 < value < 1 else value:.2f}"
    return shown.removeprefix("0") if value < 1 else shown
