"""Token buckets: so much a second, and what a pause saved up."""


class Bucket:
    """Lets `rate` units a second pass, and at most `capacity` at once after a pause.

    One thing larger than the capacity passes when the bucket is full, and the debt is waited off.
    Times are seconds of a clock that never goes back, given by the caller.
    """

    __slots__ = ("_at", "_level", "capacity", "rate")

    def __init__(self, *, rate: float, capacity: float, now: float) -> None:
        self.rate = rate
        self.capacity = capacity
        self._level = capacity
        self._at = now

    def wait(self, cost: float, now: float) -> float:
        """Seconds until something of that cost may pass; 0: it may pass now."""
        return max(0.0, (min(cost, self.capacity) - self._filled(now)) / self.rate)

    def take(self, cost: float, now: float) -> None:
        """Charge for something that passes, also beyond what is there."""
        self._level = self._filled(now) - cost
        self._at = max(self._at, now)

    def _filled(self, now: float) -> float:
        return min(self.capacity, self._level + max(0.0, now - self._at) * self.rate)
