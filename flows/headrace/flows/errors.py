"""What a flow refuses."""

from headrace.lake.errors import HeadraceError


class NightRunning(HeadraceError):
    """Another nightly holds this home."""


class UnknownProject(HeadraceError):
    """Something was asked of a project of which nothing is known."""


class StepBroke(Exception):
    """A step met an error that nobody foresaw; says its kind alone, as its words may quote data."""
