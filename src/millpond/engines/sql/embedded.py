"""SQL on DuckDB, in worker processes.

A query gets a worker for itself, whose session is made anew for it. Workers are started when a
query needs one, used again for the same account, and ended when they have been idle, have served
`QUERIES_PER_WORKER_MAX` queries, or are in doubt.

A worker sees a folder of its own and nothing else of the platform's data: `in` with links to the
files of its query (read only), `out` and `tmp`. It has no network. Its answer is moved out of its
reach before anyone opens it (`claim`). DuckDB itself is told to open
those folders alone (`session`); the sandbox of `kernel.processes` stands behind that.
"""

import asyncio
import contextlib
import errno
import logging
import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from millpond.engines.sql import messages
from millpond.engines.sql.claim import claim
from millpond.engines.sql.interface import (
    Catalog,
    Column,
    InputFile,
    Missing,
    Outcome,
    Output,
    OutputFile,
    Query,
    QueryLost,
    QueryRefused,
    ScanLimitExceeded,
    Table,
    View,
)
from millpond.kernel import processes
from millpond.kernel.body import BytesBody, FileBody
from millpond.kernel.errors import Full

QUERIES_PER_WORKER_MAX = 64
IDLE_SECONDS_MAX = 120.0
_MEMORY_BESIDES_BYTES = 768 << 20
"""What a worker needs beside DuckDB's own bound: Python, threads' stacks, Arrow."""
_STACK_SIZE_BYTES = 256 << 20
_TEMPORARY_SIZE_BYTES_MAX = 64 << 30

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one query may use, and how many run at once."""

    memory_bytes: int
    threads: int
    queries: int


class EmbeddedSql:
    """DuckDB in worker processes under `folder`; `hidden` is what they must not see (the data
    folder)."""

    def __init__(self, folder: Path, hidden: Path, marker: str, bounds: Bounds) -> None:
        self.folder = folder
        self._hidden = hidden
        self._marker = marker
        self._bounds = bounds
        self._places = asyncio.Semaphore(bounds.queries)
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._reaping: set[asyncio.Task[None]] = set()

    @classmethod
    def open(cls, folder: Path, hidden: Path, marker: str, bounds: Bounds) -> "EmbeddedSql":
        """The engine on `folder`, which is emptied: nothing of a query outlives it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return cls(folder, hidden, marker, bounds)

    async def close(self) -> None:
        """End the idle workers. Queries that run have ended before, with their tasks."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(worker.end() for worker in idle))
        for task in self._reaping:
            task.cancel()
        await asyncio.gather(*self._reaping, return_exceptions=True)

    @property
    def busy(self) -> Sequence[int]:
        """The process ids of the workers that serve a query."""
        return [worker.pid for worker in self._busy]

    async def check(self, sql: str) -> None:
        await asyncio.to_thread(_check, sql)

    async def describe(self, query: Query, catalog: Catalog) -> Sequence[Column]:
        async with self._worker(query) as worker:
            return (await self._converse(worker, query, catalog, "describe", None)).columns

    async def explain(self, query: Query, catalog: Catalog) -> str:
        async with self._worker(query) as worker:
            return (await self._converse(worker, query, catalog, "explain", None)).text

    def run(
        self, query: Query, catalog: Catalog, output: Output
    ) -> AbstractAsyncContextManager[Outcome]:
        return self._run(query, catalog, output)

    @contextlib.asynccontextmanager
    async def _run(self, query: Query, catalog: Catalog, output: Output) -> AsyncIterator[Outcome]:
        async with self._worker(query) as worker:
            done = await self._converse(worker, query, catalog, "run", output)
            paths = worker.claim([one.path for one in done.files])
            yield Outcome(
                columns=done.columns,
                rows=done.rows,
                files=[
                    OutputFile(path, path.stat().st_size, one.partition)
                    for path, one in zip(paths, done.files, strict=True)
                ],
                scanned_bytes=done.scanned_bytes,
                input_rows=done.input_rows,
                planning_ms=done.planning_ms,
                running_ms=done.running_ms,
            )

    # Workers

    @contextlib.asynccontextmanager
    async def _worker(self, query: Query) -> AsyncIterator["_Worker"]:
        """A worker for one query; in doubt it is ended afterwards."""
        async with self._places:
            worker = await self._take(query.user)
            self._busy.append(worker)
            try:
                yield worker
            finally:
                self._busy.remove(worker)
                if worker.is_sound and worker.served < QUERIES_PER_WORKER_MAX:
                    await asyncio.to_thread(worker.tidy)
                    self._keep(worker)
                else:
                    await asyncio.shield(worker.end())

    async def _take(self, user: str) -> "_Worker":
        mine = [worker for worker in self._idle if worker.user == user]
        if mine:
            self._idle.remove(mine[-1])
            return mine[-1]
        if len(self._idle) >= self._bounds.queries:
            await self._idle.pop(0).end()
        return await _Worker.start(self.folder, self._hidden, self._marker, self._bounds, user)

    def _keep(self, worker: "_Worker") -> None:
        self._idle.append(worker)
        task = asyncio.create_task(self._end_when_idle(worker, worker.served))
        self._reaping.add(task)
        task.add_done_callback(self._reaping.discard)

    async def _end_when_idle(self, worker: "_Worker", served: int) -> None:
        await asyncio.sleep(IDLE_SECONDS_MAX)
        if worker in self._idle and worker.served == served:
            self._idle.remove(worker)
            await worker.end()

    # A query's talk with its worker

    async def _converse(
        self,
        worker: "_Worker",
        query: Query,
        catalog: Catalog,
        action: str,
        output: Output | None,
    ) -> messages.Done:
        try:
            return await self._talk(worker, query, catalog, action, output)
        except (QueryRefused, ScanLimitExceeded, Full):
            raise
        except BaseException:
            # A worker whose query was cancelled is ended with it: its answer may be on its way.
            worker.is_sound = False
            raise

    async def _talk(
        self,
        worker: "_Worker",
        query: Query,
        catalog: Catalog,
        action: str,
        output: Output | None,
    ) -> messages.Done:
        worker.served += 1
        worker.say(
            messages.Run(
                action,  # type: ignore[arg-type]
                query.sql,
                query.catalog,
                query.schema,
                query.user,
                query.now_ms,
                query.parameters,
                query.scanned_bytes_max,
                output,
            )
        )
        while True:
            message = await worker.hear()
            match message:
                case messages.Find(names):
                    answers = await catalog.find(names)
                    worker.say(messages.Found([_found(one) for one in answers]))
                case messages.List(name, conditions):
                    worker.say(messages.Listed(await catalog.partitions(name, conditions)))
                case messages.Fetch(name, partitions, folder):
                    files = await catalog.files(name, partitions)
                    worker.say(messages.Fetched(await worker.hand_over(folder, files)))
                case messages.Done():
                    return message
                case messages.Failed():
                    _raise(message)


def _check(sql: str) -> None:
    # Loading the parser takes time and memory, which a server without queries keeps.
    from millpond.engines.sql.trino.errors import StatementError  # noqa: PLC0415
    from millpond.engines.sql.trino.parse import parse_query  # noqa: PLC0415

    try:
        parse_query(sql)
    except StatementError as error:
        raise QueryRefused(error.name, str(error)) from error


def _found(
    answer: Table | View | Missing,
) -> messages.FoundTable | messages.FoundView | messages.FoundNothing:
    match answer:
        case Table():
            return messages.FoundTable(answer)
        case View():
            return messages.FoundView(answer)
    return messages.FoundNothing(answer)


def _raise(failed: messages.Failed) -> NoReturn:
    match failed.kind:
        case "refused":
            raise QueryRefused(failed.name, failed.text)
        case "limit":
            raise ScanLimitExceeded(failed.scanned_bytes)
        case "full":
            raise Full(failed.text)
    raise QueryLost(failed.text)


class _Worker:
    """The near end of a worker process."""

    def __init__(self, process: processes.Process, folder: Path, user: str) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.folder = folder
        self.user = user
        self.served = 0
        self.is_sound = True
        self._process = process
        self._writer = process.stdin
        self._reader = process.stdout

    @classmethod
    async def start(
        cls, folder: Path, hidden: Path, marker: str, bounds: Bounds, user: str
    ) -> "_Worker":
        own = folder / uuid.uuid4().hex
        for name in ("in", "out", "tmp", "kept"):
            (own / name).mkdir(parents=True)
        limit = bounds.memory_bytes + _MEMORY_BESIDES_BYTES + _STACK_SIZE_BYTES
        free = shutil.disk_usage(folder).free
        try:
            process = await processes.start(
                processes.Command(
                    (
                        sys.executable,
                        "-I",
                        "-m",
                        "millpond.engines.sql.worker",
                        str(bounds.memory_bytes),
                        str(bounds.threads),
                        str(min(_TEMPORARY_SIZE_BYTES_MAX, free // 2)),
                    ),
                    env={"LANG": "C.UTF-8", "TMPDIR": str(own / "tmp"), "HOME": str(own / "tmp"),
                         "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                    folder=own,
                    marker=marker,
                    stdin=processes.Stream.PIPE,
                    stdout=processes.Stream.PIPE,
                    stderr=own / "stderr",
                    limits=processes.Limits(memory_bytes=limit),
                    sandbox=processes.Sandbox(
                        reads=(own / "in",),
                        writes=(own / "out", own / "tmp"),
                        hidden=(hidden,),
                        private_tmp=own / "tmp",
                    ),
                )
            )  # fmt: skip
        except processes.NotStarted as error:
            shutil.rmtree(own, ignore_errors=True)
            raise QueryLost(str(error)) from error
        return cls(process, own, user)

    @property
    def pid(self) -> int:
        return self._process.pid

    def say(self, message: messages.ToWorker) -> None:
        self._writer.write(messages.frame(message))

    async def hear(self) -> messages.FromWorker:
        """The worker's next word.

        Raises:
            QueryLost: it ended instead.
        """
        try:
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            if size <= messages.FRAME_SIZE_BYTES_MAX:
                data = await self._reader.readexactly(size)
                message: messages.FromWorker = messages.decode_from_worker(data)
                return message
        except (asyncio.IncompleteReadError, OSError):
            pass
        self.is_sound = False
        ended = await self._process.kill()
        _log.warning("A SQL worker ended: %s\n%s", ended.describe(), self._last_words())
        if ended.out_of_memory:
            raise QueryLost("The query ran out of memory and was ended by the system.")
        raise QueryLost(f"The process that ran the query ended: {ended.describe()}.")

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return (self.folder / "stderr").read_text(errors="replace")[-4000:]
        return ""

    async def hand_over(
        self, folder: str, files: Sequence[InputFile]
    ) -> list[messages.FetchedFile]:
        """Put files where the worker sees them: links to those that are whole files already.

        Raises:
            Full: there is no space for the others.
        """
        paths = [f"{folder}/__file={number}/data" for number in range(len(files))]
        targets = [self.folder / "in" / path for path in paths]
        try:
            left = await asyncio.to_thread(_place_at_once, files, targets)
            for file, target in left:
                with target.open("wb") as writing:
                    async for chunk in file.body:
                        writing.write(chunk)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.is_sound = False
            raise Full(f"There is no space for the files of the query: {error}") from error
        return [
            messages.FetchedFile(
                path, file.uri, file.size_bytes, file.partition, file.format, file.compression
            )
            for path, file in zip(paths, files, strict=True)
        ]

    def claim(self, names: Sequence[str]) -> list[Path]:
        """The files of its answer, where it cannot reach them any more."""
        try:
            return claim(self.folder / "out", names, self.folder / "kept")
        except QueryLost:
            self.is_sound = False
            raise

    def tidy(self) -> None:
        """Remove the files of the query that it served."""
        for name in ("in", "out", "kept"):
            for path in (self.folder / name).iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    async def end(self) -> None:
        await self._process.kill()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


def _place_at_once(
    files: Sequence[InputFile], targets: Sequence[Path]
) -> list[tuple[InputFile, Path]]:
    """Link or write what is at hand; what has to be streamed is given back."""
    left = []
    for file, target in zip(files, targets, strict=True):
        target.parent.mkdir(parents=True)
        body = file.body
        if isinstance(body, BytesBody):
            target.write_bytes(body.data)
        elif not (isinstance(body, FileBody) and _is_whole(body) and _link(body.path, target)):
            left.append((file, target))
    return left


def _is_whole(body: FileBody) -> bool:
    return body.start == 0 and body.length == body.path.stat().st_size


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True
