"""Errors a user can meet: each names the thing, what would be right and the cure."""


class HeadraceError(Exception):
    """Anything that Headrace refuses or cannot do; the message holds the cure."""


class SettingsError(HeadraceError):
    """A setting has a value that cannot be used."""


class MissingExtension(HeadraceError):
    """A DuckDB extension is neither installed as a wheel nor reachable for download."""


class NoLake(HeadraceError):
    """There is no lake where one was to be read."""


class LakeElsewhere(HeadraceError):
    """The files of a lake are looked for where its catalog does not know them."""


class SnapshotGone(HeadraceError):
    """The lake was asked for as it stood at a moment that it no longer knows."""


class LakeLocked(HeadraceError):
    """Another process held the catalog for longer than the retries last."""


class LakeTooNew(HeadraceError):
    """The lake was written by a later version of Headrace."""


class MissingExtra(HeadraceError):
    """A part of Headrace that is not installed was asked for."""
