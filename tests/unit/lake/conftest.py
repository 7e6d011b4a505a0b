"""The engine with the readable schema and no lake: a commit costs nothing here."""

from collections.abc import Iterator
from importlib.resources import files

import duckdb
import msgspec
import pytest

from headrace.lake import record
from headrace.lake.message import Message

TABLES: dict[str, type[msgspec.Struct]] = {
    "messages": Message,
    "toolsets": record.Toolset,
    "spans": record.Span,
    "log_events": record.LogEvent,
    "outcomes": record.Outcome,
    "episodes": record.Episode,
    "assembled_traces": record.AssembledTrace,
    "joined_traces": record.JoinedTrace,
    "resolutions": record.Resolved,
    "decisions": record.Decision,
    "clusters": record.Cluster,
    "splits": record.SplitGroup,
    "releases": record.Release,
    "cases": record.Case,
    "runs": record.Run,
    "scores": record.Score,
    "verdicts": record.Verdict,
    "datasets": record.Dataset,
    "members": record.Member,
    "nights": record.Night,
    "dead_letters": record.DeadLetter,
    "done": record.Done,
    "scrubbed": record.ScrubbedEpisode,
    "retired": record.RetiredRow,
    "scrub_keys": record.ScrubKey,
    "surrogates": record.Surrogate,
    "text_units": record.TextUnitRow,
    "episode_units": record.EpisodeUnits,
    "cluster_events": record.ClusterEvent,
    "leaders": record.Leader,
    "intents": record.Intent,
    "eval_hits": record.EvalHit,
    "eval_overlaps": record.EvalOverlap,
    "eval_agreements": record.EvalAgreement,
    "votes": record.VoteRow,
    "judgements": record.Judgement,
    "review_items": record.ReviewItem,
    "reviews": record.Review,
    "pairs": record.PairRow,
    "pair_events": record.PairEvent,
}


@pytest.fixture(scope="session")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute((files("headrace.lake") / "schema.sql").read_text(encoding="utf-8"))
        yield connection
