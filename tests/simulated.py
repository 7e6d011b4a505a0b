"""A simulated eval history as the frame that `judge_trend` takes: the adapter of the simulator."""

from typing import Any

import polars as pl

from headrace.evals.plateau import TrendVerdict, judge_trend


def frame(history: Any) -> pl.DataFrame:
    """One row per attempt; ids are text, as in the lake, and NaN is an absent score."""
    rows = history.rows
    return pl.DataFrame(
        {
            "release": rows["release"],
            "run": rows["run"],
            "case_id": rows["sample"],
            "cluster": rows["cluster"],
            "slice": rows["slice"],
            "epoch": rows["epoch"],
            "value": rows["score"],
        }
    ).with_columns(
        pl.col("case_id", "cluster", "slice").cast(pl.String), pl.col("value").fill_nan(None)
    )


def judged(history: Any) -> TrendVerdict:
    return judge_trend(
        frame(history),
        delta=history.delta,
        window=history.window,
        binary=history.score_kind == "binary",
        calibration=history.judge,
    )


def verdict(history: Any) -> str:
    """What `eval_history_sim.py --verdict tests/simulated.py:verdict` asks for."""
    return judged(history).state
