"""The bookmark: how often reading one body ended a process."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.bookmark import Bookmark


def test_each_death_over_a_body_counts_and_another_body_starts_anew(tmp_path: Path) -> None:
    counts = []
    for seq in (7, 7, 7, 8, 7):
        with Bookmark(tmp_path / "mark") as bookmark:  # closed without `clear`: it died
            counts.append(bookmark.begin(seq))
    assert counts == [0, 1, 2, 0, 0]


def test_reading_again_without_a_death_counts_nothing(tmp_path: Path) -> None:
    with Bookmark(tmp_path / "mark") as bookmark:
        assert [bookmark.begin(7) for _ in range(5)] == [0] * 5
    with Bookmark(tmp_path / "mark") as bookmark:
        assert [bookmark.begin(7) for _ in range(5)] == [1] * 5


def test_the_body_read_last_bears_the_death(tmp_path: Path) -> None:
    with Bookmark(tmp_path / "mark") as bookmark:
        for seq in (1, 2, 3):
            bookmark.begin(seq)
    with Bookmark(tmp_path / "mark") as bookmark:
        assert [bookmark.begin(seq) for seq in (1, 2, 3)] == [0, 0, 1]


def test_the_file_is_its_owners_alone_and_does_not_grow(tmp_path: Path) -> None:
    for _ in range(3):
        with Bookmark(tmp_path / "mark") as bookmark:
            bookmark.begin(2**62)
    found = (tmp_path / "mark").stat()
    assert (found.st_mode & 0o777, found.st_size) == (0o600, 16)


LIVES = st.lists(st.tuples(st.lists(st.integers(1, 3), max_size=4), st.booleans()), max_size=8)


@settings(max_examples=60, deadline=None)
@given(lives=LIVES)
def test_deaths_are_counted_in_a_row_whatever_was_read_when(
    lives: list[tuple[list[int], bool]],
) -> None:
    """Each life reads some bodies, then dies over the last of them or ends well."""
    culprit, deaths = 0, 0
    with TemporaryDirectory() as folder:
        for bodies, ends_well in lives:
            with Bookmark(Path(folder) / "mark") as bookmark:
                for seq in bodies:
                    assert bookmark.begin(seq) == (deaths if seq == culprit else 0)
                if ends_well:
                    bookmark.clear()
            if ends_well:
                culprit, deaths = 0, 0
            elif bodies:
                deaths = deaths + 1 if bodies[-1] == culprit else 1
                culprit = bodies[-1]
