"""Turns requests into vectors, each text once for a recipe."""

from contextlib import nullcontext
from datetime import datetime

import numpy as np

from headrace.curate.progress import Progress, silent
from headrace.curate.semantic import shelf
from headrace.curate.semantic.encoder import LEAST, Encoder
from headrace.curate.semantic.shelf import Kin
from headrace.curate.step import StepResult
from headrace.curate.workers import apart
from headrace.lake.store import Lake

STEP = "embed"
CHUNK = 8_192  # texts of a transaction


def embed(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    told: Progress = silent,
    encoder: Encoder | None = None,
) -> StepResult:
    """Write `embeddings` of the masked requests that have none yet; near-duplicates need none.

    A row is its own mark that a text is done. Raises EmbeddingModelError.
    """
    encoder = encoder or Encoder.of(lake.settings)
    asked = shelf.asked(lake, project)
    sources = Kin.of(lake, project).source(asked)
    waiting = shelf.missing(lake, project, encoder.recipe, np.unique(sources))
    workers = lake.settings.workers if len(waiting) >= LEAST else 1
    with nullcontext() if workers == 1 else apart():
        for start in range(0, len(waiting), CHUNK):
            part = waiting[start : start + CHUNK]
            hashes, texts = shelf.texts(lake, project, part)
            rows = encoder.encode(texts, workers)
            lake.write(lambda tx: shelf.store(tx, encoder.recipe, hashes, rows))  # noqa: B023
            told(start + len(part), len(waiting))
    return StepResult(
        step=STEP,
        seen=len(waiting),
        kept=len(waiting),
        dropped={},
        notes={"requests": len(asked), "near_duplicates": int((asked != sources).sum())},
    )
