"""What was appended or read last, up to a bound."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_OVERHEAD_BYTES = 300

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Values and the bytes they take. The oldest goes first. Used on the event loop alone."""

    def __init__(self, size_bytes_max: int) -> None:
        self._size_bytes_max = size_bytes_max
        self._size_bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        found = self._kept.get(key)
        return None if found is None else found[0]

    def put(self, key: Hashable, value: Value, size_bytes: int) -> None:
        if key in self._kept:
            return
        size_bytes += _OVERHEAD_BYTES
        self._kept[key] = (value, size_bytes)
        self._size_bytes += size_bytes
        while self._size_bytes > self._size_bytes_max:
            _, (_, old) = self._kept.popitem(last=False)
            self._size_bytes -= old
