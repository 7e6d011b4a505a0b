"""A sidecar whose clock jumps by up to a day, back and forth, from one reading to the next."""

import random
import sys
from datetime import datetime, timedelta, tzinfo

from headrace.ingest import receiver, sidecar

_rng = random.Random(7)


class Jumping(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=_rng.uniform(-86_400, 86_400))


def main() -> int:
    if receiver.datetime is not datetime:
        raise RuntimeError("the receiver no longer reads its clock as `datetime.now`")
    receiver.datetime = Jumping
    return sidecar.main()


if __name__ == "__main__":
    sys.exit(main())
