"""Errors of the curate room."""

from headrace.lake.errors import HeadraceError


class SharesError(HeadraceError):
    """The shares of train, test and eval are no division of the whole."""


class PriceError(HeadraceError):
    """A table of prices cannot be read, or an entry of it cannot be used."""
