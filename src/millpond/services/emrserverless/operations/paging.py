"""A page of a listing."""

from typing import Generic, TypeVar

PAGE_SIZE_MAX = 50

_T = TypeVar("_T")


class Page(Generic[_T]):
    """What has been found so far, with the position of the last one."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.found: list[_T] = []
        self.last = ""
        self.has_more = False

    def take(self, position: str, item: _T) -> bool:
        """Add an item; False when it is one more than the page has room for."""
        if len(self.found) == self._size:
            self.has_more = True
            return False
        self.found.append(item)
        self.last = position
        return True
