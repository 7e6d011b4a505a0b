"""What the door for traces can refuse."""

from headrace.lake.errors import HeadraceError


class Undecodable(HeadraceError):
    """A body, a line or a message cannot be read; sending it again would not help."""
