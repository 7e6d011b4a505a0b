"""Errors of the curate room."""

from headrace.lake.errors import HeadraceError


class SharesError(HeadraceError):
    """The shares of train, test and eval are no division of the whole."""


class PriceError(HeadraceError):
    """A table of prices cannot be read, or an entry of it cannot be used."""


class VoteError(HeadraceError):
    """A vote says neither yes, no nor nothing."""


class RulebookError(HeadraceError):
    """A file of rules cannot be read, or a rule in it cannot be used."""


class UnitOrderError(HeadraceError):
    """A unit comes after younger ones that are stored already."""


class ScrubKeyError(HeadraceError):
    """A key to scrub with is too short, damaged, gone, or another than the one before."""


class UnknownKind(HeadraceError):
    """A kind of personal data that nothing finds."""


class ReviewRefused(HeadraceError):
    """An answer to an item that is not open to this reviewer, or no longer."""


class EmbeddingModelError(HeadraceError):
    """An embedding model is not there, or is none."""


class RecipeMixError(HeadraceError):
    """Vectors of two recipes met in one index; no distance between them means anything."""


class UnknownEpisode(HeadraceError):
    """No such episode, or nothing is known about it yet."""


class FinderError(HeadraceError):
    """A second finder of personal data cannot work as it is installed."""
