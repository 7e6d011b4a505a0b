"""What a flow refuses."""

from headrace.lake.errors import HeadraceError


class NightRunning(HeadraceError):
    """Another nightly holds this home."""


class UnknownProject(HeadraceError):
    """A night was asked for over a project of which nothing is known."""
