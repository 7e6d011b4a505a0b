"""What a flow refuses."""

from headrace.lake.errors import HeadraceError


class NightRunning(HeadraceError):
    """Another nightly holds this home."""


class UnknownProject(HeadraceError):
    """Something was asked of a project of which nothing is known."""
