"""Upkeep of what a night writes: each chunk of each step left a small file in each table."""

from datetime import datetime

import duckdb
import structlog

from headrace.ingest.upkeep import tidy
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked
from headrace.lake.statement import statements

# What curation writes; `decisions` is in the care of the drain.
TABLES = (
    *("done", "scrubbed", "scrubbed_messages", "surrogates", "retired"),
    *("text_units", "episode_units", "minhash_signatures", "lsh_bands", "edges", "unit_clusters"),
    *("embeddings", "leaders", "centroids", "intents", "clusters", "splits", "eval_hits"),
    *("votes", "resolutions", "judgements", "labels", "pairs", "pair_events"),
    *("review_items", "reviews", "cluster_events"),
)

log = structlog.get_logger("headrace.night")


def maintain(lake: Lake, *, now: datetime) -> bool:
    """Merge small files of curation; whether it was done.

    Raises nothing of the lake: what is in its way tonight may not be tomorrow.
    """
    [(nights,)] = lake.sql(statements("headrace.flows", "maintain.sql")["nights"]).fetchall()
    try:
        tidy(lake, TABLES, number=nights + 1, now=now)
    except (duckdb.Error, LakeLocked, OSError) as error:
        log.warning("upkeep_waits", error=type(error).__name__)
        return False
    return True
