"""Things of the catalog that are kept by their names alone, one record each.

    <kind>  name → value

below `glue`, the account and the region. Values are msgpack.
"""

from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.glue import keys
from millpond.services.glue.keys import record_key

_T = TypeVar("_T")
_encode = msgspec.msgpack.Encoder().encode


class Named(Generic[_T]):
    """The records of one kind; `name_of` tells a value's name."""

    def __init__(self, kind: str, type_: type[_T], name_of: Callable[[_T], str]) -> None:
        self._kind, self._name_of = kind, name_of
        self._decoder = msgspec.msgpack.Decoder(type_)

    async def load(self, transaction: Transaction, scope: Scope, name: str) -> _T | None:
        """The value of that name; None: there is none."""
        value = await transaction.get(record_key(scope, self._kind, name))
        return None if value is None else self._decoder.decode(value)

    def save(self, transaction: Transaction, scope: Scope, value: _T) -> None:
        """Write a value over what its name had."""
        transaction.put(record_key(scope, self._kind, self._name_of(value)), _encode(value))

    def delete(self, transaction: Transaction, scope: Scope, name: str) -> None:
        """Remove what a name has."""
        transaction.delete(record_key(scope, self._kind, name))

    async def scan(
        self, transaction: Transaction, scope: Scope, after: str = ""
    ) -> AsyncIterator[_T]:
        """Values by name, those after `after`."""
        prefix = record_key(scope, self._kind)
        start = end_of(prefix + keys.join(after)) if after else prefix
        async for _, value in transaction.scan(start, end_of(prefix)):
            yield self._decoder.decode(value)
