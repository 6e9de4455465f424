"""A draft seen from the event loop: one job after the other in a thread.

`write` returns while its bytes are still on their way, so that the next ones can be received.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from contextlib import suppress

from millpond.engines.objects.embedded.draft import Draft
from millpond.engines.objects.embedded.trouble import write_trouble
from millpond.engines.objects.interface import Blob
from millpond.kernel.errors import Unavailable


class Upload:
    def __init__(self, executor: Executor, draft: Draft) -> None:
        self._executor = executor
        self.draft = draft
        self._job: Future[Blob | None] | None = None

    async def write(self, data: bytes) -> None:
        """Append once what came before is written.

        Raises:
            Full, Unavailable: what came before could not be written.
        """
        await self._wait()
        self._start(lambda: self.draft.write(data))

    async def finish(self, fill: Callable[[Draft], None]) -> Blob:
        """Have `fill` append the rest, and sync.

        Raises:
            Full, Unavailable: the bytes are not on disk.
        """
        await self._wait()

        def end() -> Blob:
            fill(self.draft)
            return self.draft.finish()

        self._start(end)
        blob = await self._wait()
        if blob is None:
            raise RuntimeError("A draft that was finished is a blob.")
        return blob

    async def abandon(self) -> None:
        """Leave nothing behind. Goes on in its thread when the caller is cancelled, and is left
        undone once the objects are closed: what remains then is an orphan."""
        job = self._job

        def end() -> None:
            if job is not None:
                wait([job])
            self.draft.abandon()

        with suppress(RuntimeError):
            await asyncio.shield(asyncio.wrap_future(self._executor.submit(end)))

    def _start(self, work: Callable[[], Blob | None]) -> None:
        try:
            self._job = self._executor.submit(work)
        except RuntimeError as error:
            raise Unavailable("The objects are closed.") from error

    async def _wait(self) -> Blob | None:
        if self._job is None:
            return None
        try:
            return await asyncio.wrap_future(self._job)
        except OSError as error:
            raise write_trouble(error) from error
