from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.conversation import Conversation
from headrace.exporters.lesson import Lesson

Make = Callable[..., Conversation]

TURNS = st.lists(
    st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.booleans()), max_size=8
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(turns=TURNS)
def test_a_lesson_ends_where_training_ends_and_marks_only_the_assistant(
    episode: Make, turns: list[tuple[str, bool]]
) -> None:
    said = [{"role": role, "content": str(i)} for i, (role, _) in enumerate(turns)]
    whole = episode(messages=said, trainable=tuple(mark for _, mark in turns))
    lesson = Lesson.of(whole)
    assert lesson.messages == whole.messages[: len(lesson.messages)]
    trained = [m["content"] for m, on in zip(lesson.messages, lesson.trainable, strict=True) if on]
    assert trained == [str(i) for i, (role, on) in enumerate(turns) if on and role == "assistant"]
    assert lesson.trains == bool(trained)
    assert lesson.trainable[-1:] == ((True,) if trained else lesson.trainable[-1:])
    again = episode(messages=list(lesson.messages), trainable=lesson.trainable)
    assert Lesson.of(again) == lesson
