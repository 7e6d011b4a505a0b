"""What building a data set can refuse: each message names the thing and the cure."""

from headrace.lake.errors import HeadraceError


class UnknownObjective(HeadraceError):
    """No rows can be made for this objective."""


class BadRecipe(HeadraceError):
    """A recipe asks for what does not exist, or for what cannot be."""


class UnknownFormat(HeadraceError):
    """No trainer dialect of this name."""


class NoSuite(HeadraceError):
    """There is no evaluation to check the export against."""


class EvalLeak(HeadraceError):
    """Rows of the export overlap the evaluation."""


class NothingToExport(HeadraceError):
    """No row is left, or none to train on."""


class OneLabelOnly(HeadraceError):
    """An unpaired set needs desirable and undesirable rows."""


class LossyFormat(HeadraceError):
    """A trainer dialect cannot say what the rows say, and training would change."""


class TooFew(HeadraceError):
    """A trainer takes no file of so few records."""


class TooLarge(HeadraceError):
    """A trainer takes no file of this size."""


class NotADataset(HeadraceError):
    """A folder that Headrace did not write stands in the way, or is asked to be one."""


class Unwritable(HeadraceError):
    """The folder asked for cannot be made or written."""


class UnusableName(HeadraceError):
    """A data set's name that a card, a list or a line of output cannot show."""


class NotPushed(HeadraceError):
    """A data set that must not be put on the Hub as it is, or where it was to be put."""


class HubError(HeadraceError):
    """The Hugging Face Hub refuses, or cannot be reached."""
