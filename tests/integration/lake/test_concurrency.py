"""Two processes write and one reads at the same time."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from headrace.lake import Lake, migration
from headrace.lake.message import Message

pytestmark = pytest.mark.usefixtures("all_cores")

WRITER = """
import sys
from headrace.lake import Lake, migration
from headrace.lake.message import Message

home, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Lake.open(home) as lake:
    print("open", flush=True)
    sys.stdin.readline()
    for i in range(rounds):
        own = Message.of({"role": "user", "content": f"{name} {i}"})
        both = Message.of({"role": "user", "content": f"both {i}"})
        lake.write(lambda tx: (
            tx.upsert("messages", [own], on=["hash"]), tx.upsert("messages", [both], on=["hash"])
        ))
"""


def start(home: Path, name: str, rounds: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home), name, str(rounds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_writers_and_a_reader_lose_nothing_and_see_no_error(tmp_path: Path) -> None:
    rounds = 15
    writers = [start(tmp_path, name, rounds) for name in ("a", "b")]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "open\n"
    seen: list[int] = []
    with Lake.open(tmp_path) as reader:
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        while any(writer.poll() is None for writer in writers):
            [(rows,)] = reader.sql("select count(*) from messages").fetchall()
            seen.append(rows)
        assert [w.communicate()[1] for w in writers] == ["", ""]
        assert [w.returncode for w in writers] == [0, 0]
        bodies = reader.sql("select body->>'content' from messages").fetchall()
    wanted = {f"{name} {i}" for name in ("a", "b", "both") for i in range(rounds)}
    assert sorted(body for (body,) in bodies) == sorted(wanted)
    assert seen == sorted(seen), "a reader must never see rows vanish"


def test_four_processes_that_open_a_fresh_lake_at_once_make_one(tmp_path: Path) -> None:
    openers = [start(tmp_path, str(i), 0) for i in range(4)]
    results = [opener.communicate("go\n") for opener in openers]
    assert [(out, err) for out, err in results] == [("open\n", "")] * 4
    with Lake.open(tmp_path) as lake:
        done = lake.sql("select name from migrations order by name").fetchall()
        assert [name for (name,) in done] == migration.names()


def test_the_threads_of_one_process_share_one_lake(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:

        def write(i: int) -> None:
            message = Message.of({"role": "user", "content": str(i)})
            lake.write(lambda tx: tx.append("messages", [message]))

        threads = [Thread(target=write, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lake.sql("select count(*) from messages").fetchall() == [(8,)]
