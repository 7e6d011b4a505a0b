"""How texts are signed; signatures of two recipes are never compared."""

from importlib.util import find_spec
from typing import Literal

import msgspec

Library = Literal["rensa-R2", "numpy-1"]

SEED = 20_261_101
LEAST_WORDS = 8  # with fewer a text has no near duplicates, only equals
SLOTS = 120  # the standard error of an estimate of .7 is then .04
BANDS = 20
NEAR = 0.65  # least share of equal slots of a stored edge: a miss would leak from train into eval
DUPLICATE = 0.75  # for weights and caps, where a false merge loses data

THRESHOLDS = {"near": NEAR, "dup": DUPLICATE}


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """MinHash over word n-grams; `library` names the hash family and its version.

    rensa and datasketch have both changed their algorithm, hence a version of ours.
    """

    gram: int  # words
    library: Library = "rensa-R2"
    slots: int = SLOTS
    bands: int = BANDS
    seed: int = SEED

    @property
    def rows(self) -> int:
        """Slots of one band."""
        return self.slots // self.bands

    @property
    def algo(self) -> str:
        """The name under which signatures, bands and edges are stored."""
        return f"{self.library}/w{self.gram}/{self.slots}/{self.bands}/{self.seed}"


def present() -> Library:
    """rensa where it is installed, else numpy, which is about as fast."""
    return "rensa-R2" if find_spec("rensa") else "numpy-1"


def request(library: Library | None = None) -> Recipe:
    """The recipe of requests (U1)."""
    return Recipe(gram=3, library=library or present())


def transcript(library: Library | None = None) -> Recipe:
    """The recipe of transcripts (U3), whose words repeat more."""
    return Recipe(gram=5, library=library or present())
