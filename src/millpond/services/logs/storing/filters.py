"""Filters of log groups, and what waits to be delivered to subscribers.

    filters  group id  → Filters
    feed     subscription id, time it came (ms), stream id, position → Waiting

A group's record tells which version of its filters it has, so that taking in events looks no
further while they have not changed.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.kernel.tasks import Task, schedule
from millpond.services.logs import store
from millpond.services.logs.model.filters import Filters, Subscription
from millpond.services.logs.model.groups import Group

DELIVER_TASK = "deliver"
TELL_DEFAULTS_TASK = "tell_defaults"

_encode = msgspec.msgpack.Encoder().encode
_FILTERS = msgspec.msgpack.Decoder(Filters)


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A batch of events that a subscriber was not told yet, and where it lies."""

    came_ms: int
    stream_id: str
    stream_name: str
    position: int
    count: int


_WAITING = msgspec.msgpack.Decoder(Waiting)


async def load_filters(transaction: Transaction, group: Group) -> Filters:
    value = await transaction.get(store.key("filters", group.id)) if group.filters else None
    return Filters() if value is None else _FILTERS.decode(value)


def save_filters(
    transaction: Transaction, scope: Scope, group: Group, filters: Filters, version: str
) -> None:
    """Write a group's filters as another version of them."""
    if filters.metric or filters.subscriptions:
        transaction.put(store.key("filters", group.id), _encode(filters))
    else:
        transaction.delete(store.key("filters", group.id))
        version = ""
    changed = msgspec.structs.replace(group, filters=version, metric_filters=len(filters.metric))
    store.save_group(transaction, scope, changed)


async def drop_filters(transaction: Transaction, scope: Scope, group: Group) -> None:
    """Remove the filters of a group that goes; what waits for delivery goes in the background."""
    filters = await load_filters(transaction, group)
    transaction.delete(store.key("filters", group.id))
    for subscription in filters.subscriptions.values():
        schedule_delivery(transaction, scope, group.name, subscription)


# What waits


def _waiting_key(subscription_id: str, waiting: Waiting) -> bytes:
    place = waiting.came_ms.to_bytes(8) + waiting.stream_id.encode() + waiting.position.to_bytes(8)
    return store.key("feed", subscription_id) + place


def add_waiting(transaction: Transaction, subscription_id: str, waiting: Waiting) -> None:
    transaction.put(_waiting_key(subscription_id, waiting), _encode(waiting))


def delete_waiting(transaction: Transaction, subscription_id: str, waiting: Waiting) -> None:
    transaction.delete(_waiting_key(subscription_id, waiting))


async def scan_waiting(transaction: Transaction, subscription_id: str) -> AsyncIterator[Waiting]:
    """Batches in the order in which they came."""
    prefix = store.key("feed", subscription_id)
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        yield _WAITING.decode(value)


def schedule_delivery(
    transaction: Transaction, scope: Scope, group: str, subscription: Subscription
) -> None:
    """Have what waits for a subscription delivered; or forgotten, when it is gone by then."""
    subject = f"{group}:{subscription.id}"
    task = Task("logs", DELIVER_TASK, subject, 0, scope.account, scope.region)
    schedule(transaction, task)
