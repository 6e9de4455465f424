"""One sync of a folder for all who wait: whoever comes while it runs shares the next one."""

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path


class FolderSyncs:
    """Used on the event loop alone. `sync_folder` blocks and raises OSError."""

    def __init__(self, executor: Executor, sync_folder: Callable[[Path], None]) -> None:
        self._executor = executor
        self._sync_folder = sync_folder
        self._waiting: dict[Path, asyncio.Future[OSError | None]] = {}
        self._running: dict[Path, asyncio.Task[None]] = {}
        self._failed: set[Path] = set()

    async def sync(self, folder: Path) -> None:
        """Return once a sync of `folder` that began after this call has succeeded.

        Raises:
            OSError: it failed, or an earlier one did: entries made before that may be lost
                although a later sync succeeds, so that nobody is told so again.
        """
        if folder in self._failed:
            raise OSError(errno.EIO, "An earlier sync of the folder failed", str(folder))
        waiting = self._waiting.get(folder)
        if waiting is None:
            loop = asyncio.get_running_loop()
            waiting = self._waiting[folder] = loop.create_future()
            if folder not in self._running:
                self._running[folder] = loop.create_task(self._run(folder))
        error = await asyncio.shield(waiting)
        if error is not None:
            raise error

    async def _run(self, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        while (waiting := self._waiting.pop(folder, None)) is not None:
            error: OSError | None = None
            try:
                await loop.run_in_executor(self._executor, self._sync_folder, folder)
            except (OSError, RuntimeError) as failure:
                error = failure if isinstance(failure, OSError) else OSError(str(failure))
                self._failed.add(folder)
                late = self._waiting.pop(folder, None)
                if late is not None:
                    late.set_result(error)
            waiting.set_result(error)
        del self._running[folder]
