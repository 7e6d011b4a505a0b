"""`python -m headrace.ingest.vacuum FILE`: a SQLite file without anything that was deleted in it.

Exits with 1 where others hold the file for so long that some of its log stays.
"""

import sqlite3
import sys
from contextlib import closing

BUSY_S = 10.0


def vacuum(path: str, *, busy_s: float = BUSY_S) -> bool:
    """Write a database anew, free pages and log left out; False: a reader holds the log."""
    with closing(sqlite3.connect(path, timeout=busy_s, isolation_level=None)) as connection:
        connection.execute("vacuum")
        [(busy, *_)] = connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        return not busy


if __name__ == "__main__":
    try:
        sys.exit(0 if vacuum(sys.argv[1]) else 1)
    except sqlite3.Error as error:
        sys.exit(str(error))
