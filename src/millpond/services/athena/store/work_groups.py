"""Work groups in records. `primary` is there for everyone without being written."""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.athena.model import work_groups as model
from millpond.services.athena.shapes import WorkGroup
from millpond.services.athena.store.keys import key, prefix

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WorkGroup).decode


async def load(transaction: Transaction, scope: Scope, name: str) -> WorkGroup | None:
    value = await transaction.get(key(scope, "group", name))
    if value is not None:
        return _decode(value)
    return model.default_primary() if name == model.PRIMARY else None


def save(transaction: Transaction, scope: Scope, group: WorkGroup) -> None:
    assert group.name
    transaction.put(key(scope, "group", group.name), _encode(group))


async def scan(transaction: Transaction, scope: Scope, after: str = "") -> AsyncIterator[WorkGroup]:
    """Work groups by name, those after `after`; `primary` among them."""
    groups = prefix(scope, "group")
    start = groups + after.encode() + b"\x00" if after else groups
    primary_due = after < model.PRIMARY
    async for _, value in transaction.scan(start, end_of(groups)):
        group = _decode(value)
        assert group.name
        if primary_due and group.name >= model.PRIMARY:
            primary_due = False
            if group.name > model.PRIMARY:
                yield model.default_primary()
        yield group
    if primary_due:
        yield model.default_primary()


async def is_empty(transaction: Transaction, scope: Scope, name: str) -> bool:
    """Whether nothing was run or saved in the work group."""
    for kind in ("ran-in", "named-in", "prepared"):
        start = prefix(scope, kind, name)
        async for _ in transaction.scan(start, end_of(start)):
            return False
    return True


async def delete(transaction: Transaction, scope: Scope, name: str) -> None:
    """Remove the work group, its tags, what is saved in it, and its executions."""
    transaction.delete(key(scope, "group", name))
    transaction.delete(key(scope, "tags", name))
    for kind, of_each in (("named-in", "named"), ("prepared", ""), ("ran-in", "execution")):
        start = prefix(scope, kind, name)
        async for found, value in transaction.scan(start, end_of(start)):
            transaction.delete(found)
            if of_each == "named":
                transaction.delete(key(scope, "named", found.rpartition(b"\x00")[2].decode()))
            elif of_each == "execution":
                transaction.delete(key(scope, "execution", value.decode()))
