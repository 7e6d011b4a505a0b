"""What a flow refuses."""

from headrace.lake.errors import HeadraceError


class NightRunning(HeadraceError):
    """Another nightly holds this home."""
