"""Texts to vectors of unit length, the same whatever they are encoded with."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headrace.curate.errors import EmbeddingModelError
from headrace.curate.semantic.weights import LONGEST, Dtype, Weights
from headrace.lake.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 16  # texts
STEP = 8  # tokens; lengths are rounded up to a multiple
PART = 512  # texts that another process takes at once
LEAST = 4_000  # texts; for fewer it takes longer to start processes than to do without

Vectors = NDArray[np.float32]
Tokens = Sequence[int]


class Encoder:
    """A model that is loaded when the first text comes.

    Every batch has one shape for a length, filled up where texts are missing: a vector depends on
    its text alone, to the last bit, so that a night that was cut short and taken up again gives
    the rows of one that was not.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    @classmethod
    def of(cls, given: Settings | str, dtype: Dtype | None = None) -> "Encoder":
        """The model that the settings name, or a name or folder. Raises EmbeddingModelError."""
        model = given if isinstance(given, str) else given.embedding_model
        return cls(Weights.of(model, dtype))

    @property
    def recipe(self) -> str:
        """The name of its vectors in `embeddings`."""
        return self.weights.recipe

    def encode(self, texts: Sequence[str], workers: int | None = 1) -> Vectors:
        """A row a text, of length one, rounded to 16 bits as it is stored.

        With `workers` (None: one a core) many texts are shared among processes of one thread.
        """
        count = workers or len(os.sched_getaffinity(0))
        if count == 1 or len(texts) < LEAST:
            return encoded(self.weights, texts)
        return self._shared(texts, count)

    def _shared(self, texts: Sequence[str], count: int) -> Vectors:
        """By parts of texts of like length, so that few batches have to be filled up.

        The longest go first: no process is left with them at the end.
        """
        from joblib import Parallel, delayed

        order = np.argsort([-len(text) for text in texts], kind="stable")
        parts = np.split(order, range(PART, len(order), PART))
        pool = Parallel(n_jobs=count, return_as="generator", max_nbytes=None)
        sent = (delayed(encoded)(self.weights, [texts[i] for i in part]) for part in parts)
        done = np.concatenate(list(pool(sent)))
        found = np.empty_like(done)
        found[order] = done
        return found


def encoded(weights: Weights, texts: Sequence[str]) -> Vectors:
    """In this process, on one thread."""
    model = _model(weights)
    found: Vectors = np.empty((len(texts), _size(model)), dtype=np.float32)
    if texts:
        tokens = _tokens(model, texts)
        with _one_thread():
            for rows in _batches(tokens):
                found[rows] = _vectors(model, [tokens[row] for row in rows])
    return found


def _batches(tokens: Sequence[Tokens]) -> Iterator[list[int]]:
    """Rows of texts of one rounded length, short ones first."""
    by_length: dict[int, list[int]] = {}
    for row, one in enumerate(tokens):
        by_length.setdefault(_rounded(len(one)), []).append(row)
    for _, rows in sorted(by_length.items()):
        yield from (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _vectors(model: "SentenceTransformer", batch: Sequence[Tokens]) -> Vectors:
    """Of at most `BATCH` texts of one rounded length; pooled in fp32 whatever the weights are."""
    import torch

    ids, mask = _padded(batch)
    with torch.inference_mode():
        features: dict[str, Any] = {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
        }
        for module in model:
            features = module(features)
            features["token_embeddings"] = features["token_embeddings"].float()
        vectors: Vectors = features["sentence_embedding"][: len(batch)].float().numpy()
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    rounded: Vectors = units.astype(np.float16).astype(np.float32)
    return rounded


def _padded(batch: Sequence[Tokens]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    shape = (BATCH, _rounded(max(map(len, batch))))
    ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    mask[:, 0] = 1  # a row without any token has no mean
    for row, one in enumerate(batch):
        ids[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return ids, mask


def _rounded(length: int) -> int:
    return max(-(-length // STEP), 1) * STEP


def _tokens(model: "SentenceTransformer", texts: Sequence[str]) -> list[Tokens]:
    found: list[Tokens] = model.tokenizer(
        [_prompt(model) + text for text in texts],
        truncation=True,
        max_length=_longest(model),
        padding=False,  # the tokenizer's own padding to 128 would cost threefold
        return_attention_mask=False,
        return_token_type_ids=False,
    )["input_ids"]
    return found


def _prompt(model: "SentenceTransformer") -> str:
    """What a model wants before every text; most want nothing."""
    name = model.default_prompt_name
    return (model.prompts.get(name) if name else None) or ""


def _longest(model: "SentenceTransformer") -> int:
    return min(LONGEST, model.max_seq_length or LONGEST)


def _size(model: "SentenceTransformer") -> int:
    return model.get_embedding_dimension() or 0


@cache
def _model(weights: Weights) -> "SentenceTransformer":
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    kinds = {"bf16": torch.bfloat16, "fp32": torch.float32}
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(
            str(weights.folder),
            device="cpu",
            local_files_only=True,
            model_kwargs={"dtype": kinds[weights.dtype]},
        ).eval()
    except (OSError, ValueError, KeyError) as error:
        raise EmbeddingModelError(
            f"the embedding model in {str(weights.folder)!r} cannot be loaded: {error}. Name a "
            "model of sentence-transformers in HEADRACE_EMBEDDING_MODEL"
        ) from error


@contextmanager
def _one_thread() -> Iterator[None]:
    """Two processes of one thread do twice what one process of two does on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
