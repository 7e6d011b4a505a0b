"""Errors of the curate room."""

from headrace.lake.errors import HeadraceError


class SharesError(HeadraceError):
    """The shares of train, test and eval are no division of the whole."""
