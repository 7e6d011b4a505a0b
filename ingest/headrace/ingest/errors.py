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
