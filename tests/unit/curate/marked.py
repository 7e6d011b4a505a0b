"""Episodes as they stand in the lake after a night: with units, vectors and resolutions."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from headrace.lake.message import digest
from headrace.lake.record import EpisodeUnits, TextUnitRow
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, said, user

GOOD, BAD = "search(a)->ok\nbook(b)->ok", "search(a)->ok\nbook(b)->err:denied"


class Units:
    """Episodes with the units, vectors and resolutions that a night would have given them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.texts: list[TextUnitRow] = []
        self.episodes: list[EpisodeUnits] = []
        self.vectors: dict[str, Sequence[float]] = {}

    def unit(self, kind: str, text: str) -> int:
        digested = digest(f"{self.world.project} {text}")
        known = {row.text_hash: row.unit_id for row in self.texts}
        if digested not in known:
            row = TextUnitRow(
                project=self.world.project, unit_id=len(self.texts), kind=kind, version="v",
                text_hash=digested, episode_id="first", at=NOW, text=text,
            )  # fmt: skip
            self.texts.append(row)
        return known.get(digested, len(self.texts) - 1)

    def add(
        self,
        name: str,
        success: bool,
        skeleton: str | None,
        vector: Sequence[float] = (0.0,),
        answer: str = "Done",
    ) -> None:
        episode = self.world.post(name, [user(name), said(answer)], trace_ids=(name,))
        asked = self.unit("request", f"request {name}")
        self.vectors[self.texts[asked].text_hash] = vector
        self.episodes.append(
            EpisodeUnits(
                project=self.world.project,
                episode_id=episode.episode_id,
                revision=1,
                request=asked,
                asked=asked,
                skeleton=None if skeleton is None else self.unit("skeleton", skeleton),
            )  # fmt: skip
        )
        self.world.resolve(episode, "success" if success else "failure")
        last = self.world.resolved[-1]
        self.world.resolved[-1] = msgspec.structs.replace(last, success=success)

    def drain(self, lake: Lake) -> None:
        self.world.drain(lake)
        shape = pa.list_(pa.float32())
        vectors = pa.table(
            {
                "text_hash": list(self.vectors),
                "model": ["m"] * len(self.vectors),
                "vector": pa.array([list(one) for one in self.vectors.values()], shape),
            }
        )

        def write(tx: Any) -> None:
            tx.append("text_units", self.texts)
            tx.append("episode_units", self.episodes)
            tx.append_columns("embeddings", vectors)

        lake.write(write)


def labels(lake: Lake, world: World, name: str) -> dict[str, tuple[str, float | None]]:
    sql = "select episode_id, value, confidence from labels where project = $project and name = $n"
    rows = lake.sql(sql, {"project": world.project, "n": name}).fetchall()
    return {row[0].rpartition("/")[2]: row[1:] for row in rows}
