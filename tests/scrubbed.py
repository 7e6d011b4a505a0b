"""Episodes put into a lake by hand, as the scrub would have left them."""

from collections.abc import Iterable, Mapping

import msgspec

from headrace.curate.conversation import conversation
from headrace.curate.scrub.catalogue import VERSION
from headrace.curate.scrubbing import STEP
from headrace.curate.silver.cleaner import Cleaner
from headrace.lake.message import Message
from headrace.lake.record import Done, Episode, ScrubbedEpisode
from headrace.lake.store import Transaction

KEY = bytes(range(32))


def put(tx: Transaction, episodes: Iterable[Episode], messages: Iterable[Message]) -> None:
    """Write these episodes without personal data; `messages` are all that they name."""
    bodies = {row.hash: msgspec.json.decode(row.body) for row in messages}
    known = set(tx.run("select project, episode_id, revision from scrubbed"))
    named = {(one.project, one.episode_id, one.revision): one for one in episodes}
    standing = [one for key, one in named.items() if key not in known and not one.superseded]
    rows = [_row(one) for one in standing]
    made = Cleaner(key=KEY)(conversation(row, bodies) for row in rows)
    tx.add_new("scrubbed_messages", made.messages, on=["hash"])
    clean = [
        ScrubbedEpisode(
            project=one.project,
            episode_id=one.episode_id,
            revision=one.revision,
            version=VERSION,
            messages=bare.messages,
            request=bare.request,
            metadata=bare.metadata,
            found=bare.found or "{}",
            at=one.at,
        )
        for one, bare in zip(standing, made.episodes, strict=True)
    ]
    done = [
        Done(
            project=one.project,
            step=STEP,
            version=VERSION,
            key=one.episode_id,
            revision=one.revision,
        )
        for one in standing
    ]
    tx.upsert("scrubbed", clean, on=["project", "episode_id"])
    tx.upsert("done", done, on=["project", "step", "version", "key"])


def _row(episode: Episode) -> Mapping[str, object]:
    nothing = {"resolution": "pending", "success": None, "score": None, "resolved_by": None}
    return {**msgspec.structs.asdict(episode), **nothing, "representative": True}
