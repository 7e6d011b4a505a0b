"""Eval histories by hand: frames of attempts, and the same written into a lake."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from headrace.evals.plateau import TrendVerdict
from headrace.evals.statistics.needs import Needs
from headrace.lake.record import Release, Run, Score
from headrace.lake.store import Lake, Transaction

T0 = datetime(2026, 10, 1, 12, tzinfo=UTC)
Values = NDArray[np.float64]


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """One lake for all, as making one takes longer than a test: each test has its project."""
    with Lake.open(tmp_path_factory.mktemp("lake")) as opened:
        yield opened


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


@pytest.fixture
def simulate() -> Callable[..., Values]:
    """Binary scores (cases x releases x epochs) of a product with these true means."""

    def draw(
        means: Sequence[float],
        *,
        cases: int,
        epochs: int,
        seed: int,
        clusters: int = 0,
        wobble: float = 0.04,
    ) -> Values:
        rng = np.random.default_rng(seed)
        groups = np.arange(cases) % (clusters or cases)
        ease = rng.choice([-0.35, 0.35], groups.max() + 1)[groups]
        shift = rng.uniform(-wobble, wobble, (groups.max() + 1, len(means)))[groups]
        chance = np.asarray(means) + ease[:, None] + shift
        draws: Values = (rng.random((cases, len(means), epochs)) < chance[:, :, None]).astype(float)
        return draws

    return draw


@pytest.fixture
def attempts() -> Callable[..., pl.DataFrame]:
    """The frame of a cube of scores (cases x releases x epochs); NaN is an absent score."""

    def frame(values: Values, clusters: Sequence[int] | None = None) -> pl.DataFrame:
        case, release, epoch = (axis.ravel() for axis in np.indices(values.shape))
        groups = np.arange(len(values)) if clusters is None else np.asarray(clusters)
        return pl.DataFrame(
            {
                "release": release,
                "run": release,
                "case_id": [f"case-{i}" for i in case],
                "cluster": [f"customer-{groups[i]}" for i in case],
                "slice": ["all"] * case.size,
                "epoch": epoch,
                "value": values.ravel(),
            }
        ).with_columns(pl.col("value").fill_nan(None))

    return frame


@pytest.fixture
def measure(lake: Lake, project: str) -> Callable[..., None]:
    """Write a cube of scores as runs of releases v0, v1, .., a week apart."""

    def write(
        values: Values,
        *,
        suite: str = "refunds",
        scorer: str = "exact",
        judge: str | None = None,
    ) -> None:
        releases = [
            Release(
                project=project,
                release=f"v{r}",
                at=T0 + timedelta(weeks=r),
                prompt_hash="p",
                tools_hash="t",
            )
            for r in range(values.shape[1])
        ]
        runs = [
            Run(
                project=project,
                run_id=f"{project}-{suite}-{scorer}-{judge}-{at.release}",
                suite=suite,
                release=at.release,
                status="success",
                started_at=at.at + timedelta(hours=1),
                judge_hash=judge,
            )
            for at in releases
        ]
        scores = [
            Score(
                run_id=runs[r].run_id,
                case_id=f"case-{i:04}",
                epoch=e + 1,
                scorer=scorer,
                value=None if np.isnan(values[i, r, e]) else float(values[i, r, e]),
            )
            for i, r, e in np.ndindex(values.shape)
        ]

        def work(tx: Transaction) -> None:
            tx.add_new("releases", releases, on=["project", "release"])
            tx.append("runs", runs)
            tx.append("scores", scores)

        lake.write(work)

    return write


@pytest.fixture
def verdict() -> Callable[..., TrendVerdict]:
    """A verdict in which nothing is decided and nothing is wrong, but for what is given."""
    usual: dict[str, Any] = {
        "state": "inconclusive",
        "reason": "underpowered",
        "gain": 0.01,
        "low": -0.02,
        "high": 0.04,
        "mde": 0.05,
        "certifiable_delta": 0.04,
        "needs": Needs(cases=400, epochs=3, releases=2),
        "n": 250,
        "clusters": 50,
        "releases": 8,
        "length": 8,
        "delta": 0.03,
        "window": 3,
        "share": 1.0,
        "absent": 0.0,
        "tau": 0.006,
        "judge": None,
        "signature": "s",
    }
    return lambda **more: TrendVerdict(**{**usual, **more})
