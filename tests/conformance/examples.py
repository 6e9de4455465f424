"""Many examples of one property: on one store, in one event loop."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any


class Bench:
    """Each example gets a prefix of its own, where stores are shared by name."""

    def __init__(self, store: Any, runner: asyncio.Runner) -> None:
        self.store = store
        self._runner = runner
        self._examples = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def fresh_prefix(self) -> bytes:
        self._examples += 1
        return b"%08d/" % self._examples


@contextlib.contextmanager
def bench_of(open_store: Callable[[], Any]) -> Iterator[Bench]:
    """A bench until the block ends."""
    with asyncio.Runner() as runner:
        store = open_store()
        yield Bench(store, runner)
        runner.run(store.close())
