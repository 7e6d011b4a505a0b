"""What the rules find in real agent runs: nothing but what is a secret."""

import gzip
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from headrace.ingest.secrets.export import stripped_line

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "console" / "headrace" / "console" / "sample"
REAL = ROOT.parent / "shared" / "data"

# rows by kind; where there are any, people looked at every one
KNOWN = {
    "taubench": {},
    "tau2/sft": {},
    "tau2/agents": {},
    "tau2_judge": {},
    "carbench_unlabelled": {},
    "reflexion": {},
    # keys of an inference provider that were left in the run settings
    "tau2/runs": {"api_key": 1},
    # a token of a telemetry service in the product's source, keys set in tests and instructions
    "aider_chat": {"api_key": 4, "token": 4},
    # headers of a web answer in a log
    "who_when": {"cookie": 1},
}


def lines(file: Path) -> Iterator[bytes]:
    if file.suffix == ".gz":
        yield from gzip.decompress(file.read_bytes()).splitlines()
        return
    packed = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file.open("rb"))
    yield from io.BufferedReader(packed)


def found(files: list[Path]) -> Counter[str]:
    rows = (stripped_line(line)[1] for file in files for line in lines(file))
    return Counter(kind for removed in rows for kind in set(removed))


def test_the_bundled_runs_hold_no_secret() -> None:
    files = sorted(SAMPLE.glob("*.jsonl.gz"))
    assert len(files) == 2
    assert found(files) == {}


@pytest.mark.skipif(not REAL.exists(), reason="the runs do not lie beside the repository")
@pytest.mark.parametrize("place", KNOWN)
def test_real_runs_are_touched_only_where_there_is_a_secret(place: str) -> None:
    files = sorted(file for file in REAL.rglob("*.jsonl*") if place in file.as_posix())
    assert files
    assert found(files) == KNOWN[place]


@pytest.mark.skipif(not REAL.exists(), reason="the runs do not lie beside the repository")
def test_runs_about_passwords_lose_them() -> None:
    """Banking and chat: `update_password` is called, a message tells a secret key."""
    counts = found(sorted((REAL / "agentdojo").glob("*.jsonl*")))
    assert set(counts) == {"api_key", "password"}
    assert min(counts.values()) > 250
