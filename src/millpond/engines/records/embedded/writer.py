"""The one thread that writes: everything that waits goes into one LMDB transaction and one sync.

Batch by batch: take what waits, refuse the transactions whose reads no longer hold (against the
history, and against those accepted before them in the same batch), write the others, commit, and
hand all the answers to the event loop in one call. Transactions thus take effect one after the
other in the order in which they are accepted.

A commit that fails for want of space changes nothing and the next may work again. After any other
failure it is unknown what reached the disk: the writer then refuses everything until a restart,
because a sync that failed once may report success later without having written.
"""

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future as ThreadFuture
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import lmdb

from millpond.engines.records.embedded.history import History, Range
from millpond.engines.records.embedded.trouble import is_no_space, no_space
from millpond.kernel.errors import Conflict, EngineError, Full, Unavailable

BATCH_SIZE_BYTES_MAX = 32 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Commit:
    """A transaction that wants to take effect.

    `since` is the snapshot that was read, None when nothing was. `writes` are sealed values, None
    for a deletion. The writer sets `refusal`; None then means that it is on disk.
    """

    since: int | None
    keys_read: Collection[bytes]
    ranges_read: Collection[Range]
    writes: dict[bytes, bytes | None]
    size_bytes: int
    settled: asyncio.Future[None]
    refusal: EngineError | None = None


class Writer:
    """`settle` gets each finished batch on the loop; `grow` is asked there for a larger map."""

    def __init__(
        self,
        environment: lmdb.Environment,
        settle: Callable[[Sequence[Commit]], None],
        grow: Callable[[ThreadFuture[None]], None],
    ) -> None:
        self._environment = environment
        self._settle = settle
        self._grow = grow
        self._history = History()
        self._queue: SimpleQueue[Commit | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="records-writer", daemon=True)
        self.newest = 0
        """The id of the last commit, 0 before the first."""
        self.oldest_snapshot = 0
        """The loop keeps this at the oldest snapshot in use, or the newest when none is."""
        self.failure: str | None = None
        """Why nothing can be read or written any more."""

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raise Unavailable, nothing having been written, when the writer has failed or closed."""
        if self._closed:
            raise Unavailable("The records are closed; nothing was written.")
        if self.failure is not None:
            raise Unavailable(self.failure)

    def submit(self, commit: Commit) -> None:
        """Have `commit` written; `settle` hears of it.

        Raises:
            Unavailable: the writer has failed or closed; nothing was written.
        """
        self.check()
        self._queue.put(commit)

    def close(self) -> None:
        """Take nothing more; what was submitted is still written."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)

    def wait_for_end(self) -> None:
        """Return once everything submitted is settled. Blocks: not for the event loop's thread."""
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._write(batch)
            except Exception as error:
                self._fail(batch, error)
            try:
                batch[0].settled.get_loop().call_soon_threadsafe(self._settle, batch)
            except RuntimeError:
                self.failure = "The event loop has ended."

    def _take(self) -> list[Commit]:
        """Everything that waits, up to a bound; nothing once `finish` was called."""
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        size_bytes = first.size_bytes
        while size_bytes < BATCH_SIZE_BYTES_MAX:
            try:
                commit = self._queue.get_nowait()
            except Empty:
                break
            if commit is None:
                self._queue.put(None)
                break
            batch.append(commit)
            size_bytes += commit.size_bytes
        return batch

    def _write(self, batch: Sequence[Commit]) -> None:
        if self.failure is not None:
            _refuse(batch, Unavailable, self.failure)
            return
        self._history.forget_before(self.oldest_snapshot)
        while True:
            try:
                self._write_once(batch)
            except lmdb.MapFullError as error:
                if not self._make_room(batch):
                    _refuse(batch, Full, no_space(error))
                    return
            except lmdb.Error as error:
                if not is_no_space(error) or not self._is_sound():
                    raise
                _refuse(batch, Full, no_space(error))
                return
            else:
                return

    def _write_once(self, batch: Sequence[Commit]) -> None:
        transaction = self._environment.begin(write=True)
        commit_id = transaction.id()
        changed = False
        try:
            for commit in batch:
                if commit.since is not None and self._history.has_changed(
                    commit.since, commit.keys_read, commit.ranges_read
                ):
                    commit.refusal = Conflict("What this transaction read has changed since.")
                    continue
                commit.refusal = None
                keys = [key for key, new in commit.writes.items() if _apply(transaction, key, new)]
                self._history.add(commit_id, keys)
                changed = changed or bool(keys)
            if changed:
                transaction.commit()
                self.newest = commit_id
            else:
                transaction.abort()
        except BaseException:
            self._history.undo(commit_id)
            transaction.abort()
            raise

    def _make_room(self, batch: Sequence[Commit]) -> bool:
        """Have the loop make the map larger; whether it did."""
        grown: ThreadFuture[None] = ThreadFuture()
        try:
            batch[0].settled.get_loop().call_soon_threadsafe(self._grow, grown)
            grown.result()
        except (Full, RuntimeError):
            return False
        return True

    def _is_sound(self) -> bool:
        """Whether LMDB is still willing to write."""
        try:
            self._environment.begin(write=True).abort()
        except lmdb.Error:
            return False
        return True

    def _fail(self, batch: Sequence[Commit], error: Exception) -> None:
        self.failure = (
            f"Records cannot be written any more ({error}); restart once the disk is well."
        )
        _refuse(batch, Unavailable, self.failure)


def _refuse(batch: Sequence[Commit], kind: type[EngineError], text: str) -> None:
    for commit in batch:
        commit.refusal = kind(text)


def _apply(transaction: lmdb.Transaction, key: bytes, value: bytes | None) -> bool:
    """Put, or delete when `value` is None; whether that changed anything."""
    if value is None:
        return bool(transaction.delete(key))
    return bool(transaction.put(key, value))
