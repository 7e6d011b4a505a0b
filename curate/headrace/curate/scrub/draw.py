"""Choices that follow from a value's HMAC: the same value always draws the same."""


class Draw:
    """Numbers out of 256 bits, as even as their bits."""

    def __init__(self, digest: bytes) -> None:
        self._left = int.from_bytes(digest)

    def below(self, bound: int) -> int:
        """A number from 0 up to, not including, `bound`."""
        self._left, drawn = divmod(self._left, bound)
        return drawn

    def digits(self, count: int) -> str:
        return f"{self.below(10**count):0{count}d}"
