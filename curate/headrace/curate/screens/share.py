"""How many episodes of one user may stay, so that none is more than a share of what is left."""

from collections.abc import Sequence


def cap(counts: Sequence[int], others: int, share: float) -> int | None:
    """The most episodes that anyone may keep; None where nobody has too many.

    `counts` are the largest, descending, and `others` the episodes of everybody else. Where too few
    have spoken for any share to hold, nobody is over it: with two users one of them has a half.
    """
    total = sum(counts) + others
    for heavy in range(len(counts) + 1):
        left = total - sum(counts[:heavy])
        room = 1 - share * heavy
        if room <= 0 or (heavy and left == 0):
            return None
        most = int(share * left / room + 1e-9) if heavy else int(share * total + 1e-9)
        if heavy == len(counts) or counts[heavy] <= most:
            return most if heavy else None
    return None
