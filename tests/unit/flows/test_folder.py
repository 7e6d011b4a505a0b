from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.flows.step import folder

NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400)


@given(NAMES)
def test_any_project_gets_one_folder_below_the_place_of_data_sets(project: str) -> None:
    path = PurePosixPath("datasets") / folder(project)
    assert path.parts == ("datasets", folder(project))
    assert folder(project) not in {".", "..", ""}
    assert len(folder(project).encode()) < 200


@given(NAMES, NAMES)
def test_two_projects_never_share_a_folder(one: str, other: str) -> None:
    assert (folder(one) == folder(other)) == (one == other)


@pytest.mark.parametrize(
    ("project", "name"),
    [
        ("support", "support"),
        ("support desk", "support desk"),
        ("team/support", "team%2Fsupport"),
        ("..", "%2E."),
        ("../../etc", "%2E.%2F..%2Fetc"),
        (".hidden", "%2Ehidden"),
    ],
)
def test_a_plain_name_stays_as_it_is_and_a_hostile_one_is_quoted(project: str, name: str) -> None:
    assert folder(project) == name
