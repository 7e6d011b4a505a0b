"""One training example told twice; a failed and a succeeded run never are."""

from headrace.curate.near.duplicate import Example, duplicates


def example(
    name: str,
    outcome: str = "success",
    request: int | None = 1,
    skeleton: str | None = "s",
    transcript: int | None = None,
) -> Example:
    return Example(
        episode_id=name,
        outcome=outcome,
        request=request,
        skeleton=skeleton,
        transcript=transcript,
    )


def test_the_same_transcript_or_request_and_skeleton_make_a_duplicate() -> None:
    told = [
        example("a", request=1, skeleton="s", transcript=7),
        example("b", request=2, skeleton="t", transcript=7),
        example("c", request=1, skeleton="s", transcript=8),
        example("d", request=1, skeleton="t", transcript=9),
    ]
    assert duplicates(told) == [["a", "b", "c"], ["d"]]


def test_failed_then_succeeded_on_the_same_request_keeps_both() -> None:
    told = [example("a", "failure", transcript=7), example("b", "success", transcript=7)]
    assert duplicates(told) == [["a"], ["b"]]


def test_chats_without_tools_are_no_duplicates_by_request_alone() -> None:
    assert duplicates([example("a", skeleton=None), example("b", skeleton=None)]) == [["a"], ["b"]]
    assert duplicates([example("a", skeleton=""), example("b", skeleton="")]) == [["a"], ["b"]]


def test_nothing_to_compare_is_only_itself() -> None:
    told = [example(name, request=None, skeleton=None) for name in ("a", "b")]
    assert duplicates(told) == [["a"], ["b"]]
