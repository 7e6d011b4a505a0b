"""What a project's lake tells of the episodes that may stand in pairs."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from headrace.curate.block import blocks
from headrace.curate.conversation import decoded
from headrace.curate.pairs.candidate import Candidates
from headrace.curate.pairs.choice import Dialogues
from headrace.curate.pairs.correction import Correction
from headrace.curate.pairs.dialogue import Dialogue
from headrace.curate.pairs.side import FAILURE, SUCCESS, Side
from headrace.curate.scrubbing import beside
from headrace.lake.message import Body, Message
from headrace.lake.statement import statements
from headrace.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

# What a trainer cannot use as it stands; the export refuses it as well.
BROKEN = (
    "no_content",
    "content_hidden",
    "content_elsewhere",
    "truncated_value",
    "dropped_attributes",
    "repaired_history",
    "orphan_tool_call",
    "orphan_tool_result",
    "unfinished",
    "failed_call",
)


class Members:
    """The current episodes of a project as they stand when they are asked for, column by column."""

    def __init__(self, lake: Lake, project: str) -> None:
        self._lake, self._project = lake, project
        limits = {"success": SUCCESS, "failure": FAILURE, "broken": list(BROKEN)}
        self.rows = self.table("pair_members", limits)
        self.corrections = self._corrected()

    def __len__(self) -> int:
        return len(self.rows)

    def opposed(self, version: str) -> "pa.Table":
        """Requests that ended both ways or were corrected: `request`, `episodes`, `key`, `waits`.

        A request waits where its pairs were not made from these very episodes yet.
        """
        given = {"members": self.rows, "corrections": self.corrections}
        return self.table("pair_requests", {"version": version}, given)

    def sides(self, touched: "pa.Table") -> dict[int, list[Side]]:
        """The resolved episodes of some requests."""
        given = {"members": self.rows, "touched": touched}
        rows = self._lake.table(sql("pair_sides"), tables=given)
        sides = msgspec.convert(rows.to_pylist(), list[Side])
        return {
            request: list(group) for request, group in groupby(sides, key=lambda side: side.request)
        }

    def corrections_of(self, sides: Mapping[int, Sequence[Side]]) -> dict[int, list[Correction]]:
        """What should have been said in these episodes, without personal data."""
        known = {side.episode_id: side for group in sides.values() for side in group}
        raw: dict[str, list[tuple[int | None, Body]]] = {}
        for row in self.corrections.to_pylist():
            if row["episode_id"] in known:
                said = (row["turn"], decoded(row["said"]))
                raw.setdefault(row["episode_id"], []).append(said)
        told = {name: [body for _, body in pairs] for name, pairs in raw.items()}
        found: dict[int, list[Correction]] = {}
        for name, bodies in beside(self._lake, self._project, told).items():
            side = known[name]
            for (turn, _), body in zip(raw[name], msgspec.convert(bodies, list[Body]), strict=True):
                message = Message.of(body)
                correction = Correction(side=side, turn=turn, message=message, body=body)
                found.setdefault(side.request, []).append(correction)
        return found

    def dialogues(
        self, found: Iterable[Candidates], corrections: Iterable[Sequence[Correction]]
    ) -> Dialogues:
        """The texts of the episodes that are compared."""
        import pyarrow as pa

        names = {name for one in found for pair in one.tried for name in pair.names}
        names |= {one.side.episode_id for told in corrections for one in told}
        if not names:
            return {}
        asked = {"members": self.rows, "wanted": pa.table({"episode_id": sorted(names)})}
        wanted = self._lake.table(sql("pair_places"), tables=asked)
        marks = self._found("pair_marks", wanted, "place")
        texts = self._found("pair_texts", wanted, "scrubbed")
        trainable = dict(
            zip(*(marks[name].to_pylist() for name in marks.column_names), strict=True)
        )
        hashes = dict(zip(*(texts[name].to_pylist() for name in texts.column_names), strict=True))
        bodies = self._bodies(sorted({name for each in hashes.values() for name in each}))
        return {
            name: Dialogue.of([bodies[one] for one in each], trainable[name])
            for name, each in hashes.items()
        }

    def _bodies(self, hashes: Sequence[str]) -> dict[str, Body]:
        import pyarrow as pa

        asked = {"wanted": pa.table({"hash": pa.array(hashes, pa.string())})}
        shared = statements("headrace.curate", "backlog.sql")
        places = self._lake.table(shared["places_of_scrubbed_messages"], tables=asked)
        given = blocks(np.sort(np.asarray(places["place"])))
        found = self._lake.table(
            shared["scrubbed_messages_of_places"], given, {"wanted": places.select(["place"])}
        )
        texts = zip(found["hash"].to_pylist(), found["body"].to_pylist(), strict=True)
        return {name: decoded(text) for name, text in texts}

    def table(
        self,
        name: str,
        given: Mapping[str, object] | None = None,
        tables: "Mapping[str, pa.Table] | None" = None,
    ) -> "pa.Table":
        """The rows of a statement of `pair.sql` about this project."""
        return self._lake.table(sql(name), {"project": self._project, **(given or {})}, tables)

    def _corrected(self) -> "pa.Table":
        """Corrections by episode; most projects have none, and then no episode is searched."""
        import pyarrow as pa

        marks = self.table("correction_marks")
        if len(marks):
            return self.table("pair_corrections", {}, {"marks": marks})
        fields = {"episode_id": pa.string(), "said": pa.string(), "turn": pa.int64()}
        return pa.schema(list(fields.items())).empty_table()

    def _found(self, name: str, wanted: "pa.Table", column: str) -> "pa.Table":
        places = blocks(np.asarray(wanted[column]))
        return self._lake.table(sql(name), places, {"wanted": wanted})


def sql(name: str) -> str:
    """A statement of `pair.sql`."""
    return statements("headrace.curate", "pair.sql")[name]
