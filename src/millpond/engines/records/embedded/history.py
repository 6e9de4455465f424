"""What recent commits changed: enough to say whether a transaction's reads still hold.

Versions are LMDB's transaction ids: a snapshot shows its id, every commit gets the next one. A
transaction that read snapshot `s` may commit when no commit after `s` wrote a key it read, or a
key inside a range it scanned. The history keeps the keys (no values) of the commits after the
oldest snapshot still in use. A snapshot older than what is kept cannot be judged and counts as
changed, which is safe: its transaction runs again.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable

KEYS_KEPT_MAX = 500_000

Range = tuple[bytes, bytes]
"""`(start, end)`: the keys from `start` on and before `end`."""


class History:
    """Used by one thread."""

    def __init__(self, keys_kept_max: int = KEYS_KEPT_MAX) -> None:
        self._keys_kept_max = keys_kept_max
        self._keys_kept = 0
        self._commits: deque[tuple[int, list[bytes]]] = deque()
        self._written: dict[bytes, int] = {}
        self._complete_after = 0

    def has_changed(self, since: int, keys: Iterable[bytes], ranges: Collection[Range]) -> bool:
        """Whether a commit after snapshot `since` wrote any of `keys` or inside `ranges`."""
        if since < self._complete_after:
            return True
        written = self._written
        if any(written.get(key, 0) > since for key in keys):
            return True
        if not ranges:
            return False
        for commit_id, commit_keys in reversed(self._commits):
            if commit_id <= since:
                return False
            for start, end in ranges:
                place = bisect_left(commit_keys, start)
                if place < len(commit_keys) and commit_keys[place] < end:
                    return True
        return False

    def add(self, commit_id: int, keys: Iterable[bytes]) -> None:
        """Note that commit `commit_id` wrote `keys`. One id may be added several times."""
        commit_keys = sorted(keys)
        self._commits.append((commit_id, commit_keys))
        self._keys_kept += len(commit_keys)
        for key in commit_keys:
            self._written[key] = commit_id

    def undo(self, commit_id: int) -> None:
        """Forget the last commit, which came to nothing after all."""
        while self._commits and self._commits[-1][0] == commit_id:
            self._keys_kept -= len(self._commits.pop()[1])
        self._written = {key: number for number, keys in self._commits for key in keys}

    def forget_before(self, oldest_snapshot: int) -> None:
        """Drop what no snapshot from `oldest_snapshot` on needs, and what is too much to keep."""
        while self._commits and (
            self._commits[0][0] <= oldest_snapshot or self._keys_kept > self._keys_kept_max
        ):
            commit_id, keys = self._commits.popleft()
            self._complete_after = max(self._complete_after, commit_id)
            self._keys_kept -= len(keys)
            for key in keys:
                if self._written.get(key) == commit_id:
                    del self._written[key]
