"""What the door for traces can refuse."""

from headrace.lake.errors import HeadraceError


class Undecodable(HeadraceError):
    """A body, a line or a message cannot be read; sending it again would not help."""


class NoJson(Undecodable):
    """A body or a line is not one whole JSON value."""


class TooLarge(HeadraceError):
    """A body is larger than the limit, before or after decompression."""


class UnknownType(HeadraceError):
    """A body has a content type or an encoding that this address does not take."""


class BadHeader(HeadraceError):
    """A request header has a value that cannot be used."""


class Misdirected(HeadraceError):
    """A request is addressed to a host that is not this machine."""


class KeyNeeded(HeadraceError):
    """A request has no API key, and keys are in force."""


class KeyRefused(KeyNeeded):
    """The API key of a request is not one of those in force."""


class ScopeMissing(HeadraceError):
    """The API key of a request is not for what is asked."""


class TooFast(HeadraceError):
    """A key is over its rate; later is fine."""

    def __init__(self, message: str, *, retry_s: int) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class KeysBusy(HeadraceError):
    """Too many keys are being verified for the first time; later is fine."""


class BadKeys(HeadraceError):
    """The file of API keys cannot be read, trusted or written."""


class UnknownKey(HeadraceError):
    """No API key has this id or name."""


class UnfitKey(HeadraceError):
    """A new API key has a name or a project that is taken or cannot be used."""


class Busy(HeadraceError):
    """More bytes are in flight than the memory set aside for them; later is fine."""


class LakeAway(HeadraceError):
    """The lake cannot be read at the moment; what is posted is stored all the same."""


class OffsetMoved(HeadraceError):
    """The lake has read further in this spool than this drain: another one wrote."""


class SpoolFailed(HeadraceError):
    """The spool could not store: the disk refused; nothing was acknowledged."""


class SpoolFull(SpoolFailed):
    """The spool has reached its limit, or the disk has; the drain makes room."""


class AlreadyServing(HeadraceError):
    """A sidecar of this home runs already."""


class PortTaken(HeadraceError):
    """The address is in use or may not be used."""


class OpenAddress(HeadraceError):
    """An address that other machines reach was asked for while there are no keys."""


class SidecarFailed(HeadraceError):
    """A sidecar that was started did not come up."""


class BadPick(HeadraceError):
    """An expression of `headrace load` is invalid, or finds no field in the data."""


class UnreadableFile(HeadraceError):
    """A file is missing, broken off, or not made of lines."""
