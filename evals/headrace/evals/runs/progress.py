"""How far a run is: told to whoever listens, sample by sample."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inspect_ai.hooks import Hooks, SampleEnd, hooks

Listener = Callable[[bool], None]  # called with whether the sample ended in an error
_LISTENERS: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` at the end of each sample that ends meanwhile in this process."""
    _LISTENERS.append(listener)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)


@hooks(name="progress", description="Tells headrace how far a run is")
class _Progress(Hooks):
    def enabled(self) -> bool:
        return bool(_LISTENERS)

    async def on_sample_end(self, data: SampleEnd) -> None:
        for listener in _LISTENERS:
            listener(data.sample.error is not None)
