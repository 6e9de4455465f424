"""TransactWriteItems and TransactGetItems: several items, all or none."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.dynamodb import changes, shapes, store
from millpond.services.dynamodb.access import require_table
from millpond.services.dynamodb.changes import Asked, read_condition
from millpond.services.dynamodb.errors import (
    ConditionalCheckFailed,
    IdempotentParameterMismatch,
    TransactionCanceled,
    ValidationError,
)
from millpond.services.dynamodb.model.capacity import Consumed, read_units
from millpond.services.dynamodb.model.expressions.tokens import Substitutes
from millpond.services.dynamodb.model.expressions.updates import parse_update
from millpond.services.dynamodb.model.keys import check_key, place_of
from millpond.services.dynamodb.model.tables import Table
from millpond.services.dynamodb.model.values import item_size_bytes
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.operations.items import read_projection, refuse_collection_metrics
from millpond.services.dynamodb.writing import Change, change_item

SIZE_BYTES_MAX = 4 * 1024 * 1024
_UNIT_TIMES = 2
_SAME_ITEM = "Transaction request cannot include multiple operations on one item"

_Part = shapes.ConditionCheck | shapes.Put | shapes.Delete | shapes.Update
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


@dataclass(slots=True)
class _Write:
    """One part of a transaction on its way."""

    part: _Part
    asked: Asked
    table: Table | None = None
    change: Change | None = None


async def transact_write_items(
    needs: Needs, call: Call, request: shapes.TransactWriteItemsInput
) -> shapes.TransactWriteItemsOutput:
    """Do up to 100 writes and checks, or none of them.

    A request whose ClientRequestToken did the same within ten minutes does nothing again.

    Raises:
        TransactionCanceled: a condition failed, or a write does not fit its table or item; each
            part's reason stands in its place.
        IdempotentParameterMismatch: the token did something else.
        ResourceNotFound
        ValidationError: an expression is wrong, or an item stands twice.

    Source: DynamoDB API reference, TransactWriteItems.
    """
    writes = [_read_write(each) for each in request.transact_items]
    consumed: dict[str, Consumed] = {}
    async with needs.records.transaction() as transaction:
        places: set[bytes] = set()
        for write in writes:
            await _prepare(transaction, call, write, places)
            assert write.table is not None
            refuse_collection_metrics(write.table, request.return_item_collection_metrics)
        digest = hashlib.blake2b(_encode(request.transact_items), digest_size=16).digest()
        repeated = False
        if request.client_request_token:
            repeated = await _seen(needs, transaction, call, request.client_request_token, digest)
        if repeated:
            consumed = await _consumed_again(transaction, writes)
        else:
            consumed = await _do(transaction, writes)
            if request.client_request_token:
                token = store.Token(digest, needs.clock.now_ms())
                store.save_token(transaction, call, request.client_request_token, token)
    shown = [
        capacity
        for name, used in consumed.items()
        if (
            capacity := used.shown(
                name, request.return_consumed_capacity, "read" if repeated else "write"
            )
        )
    ]
    return shapes.TransactWriteItemsOutput(consumed_capacity=shown or None)


async def _seen(
    needs: Needs, transaction: Transaction, call: Call, name: str, digest: bytes
) -> bool:
    """Whether the token has done this request."""
    token = await store.load_token(transaction, call, name)
    if token is None or token.done_ms + store.TOKEN_KEPT_MS < needs.clock.now_ms():
        return False
    if token.digest != digest:
        raise IdempotentParameterMismatch(
            "The request uses the same client token as a previous, but non-identical request. Do "
            "not reuse a client token with different requests, unless the requests are identical"
        )
    return True


def _read_write(item: shapes.TransactWriteItem) -> _Write:
    parts = (item.condition_check, item.put, item.delete, item.update)
    given = [part for part in parts if part is not None]
    if len(given) != 1:
        raise ValidationError("TransactItems can only contain one of Check, Put, Update or Delete")
    (part,) = given
    substitutes = Substitutes(part.expression_attribute_names, part.expression_attribute_values)
    shows_item = part.return_values_on_condition_check_failure == "ALL_OLD"
    condition = read_condition(part.condition_expression, substitutes)
    match part:
        case shapes.Put():
            asked = changes.put(part.item, condition, shows_item=shows_item)
        case shapes.Delete():
            asked = changes.delete(part.key, condition, shows_item=shows_item)
        case shapes.Update():
            does = parse_update(part.update_expression, substitutes)
            asked = changes.update(part.key, does, condition, shows_item=shows_item)
        case shapes.ConditionCheck():
            assert condition is not None
            asked = changes.check_only(part.key, condition, shows_item=shows_item)
    substitutes.check_used()
    return _Write(part, asked)


async def _prepare(transaction: Transaction, call: Call, write: _Write, places: set[bytes]) -> None:
    """Find the table and the change of a part; `places` are those of the parts before."""
    write.table = await require_table(transaction, call, write.part.table_name)
    write.change = write.asked(write.table.schema)
    place = store.items_prefix(write.table) + place_of(write.table.schema, write.change.key)
    if place in places:
        raise ValidationError(_SAME_ITEM)
    places.add(place)


async def _do(transaction: Transaction, writes: Sequence[_Write]) -> dict[str, Consumed]:
    """Do all parts; what they consumed, by table."""
    consumed: dict[str, Consumed] = {}
    reasons: list[Mapping[str, Any]] = []
    size = 0
    for write in writes:
        assert write.table is not None
        assert write.change is not None
        try:
            changed = await change_item(transaction, write.table, write.change)
        except ConditionalCheckFailed as refusal:
            reason = {"Code": "ConditionalCheckFailed", "Message": refusal.message}
            reasons.append({**reason, **refusal.members})
            continue
        except ValidationError as refusal:
            reasons.append({"Code": "ValidationError", "Message": refusal.message})
            continue
        reasons.append({"Code": "None"})
        size += 0 if changed.new is None else item_size_bytes(changed.new)
        used = consumed.setdefault(write.table.name, Consumed())
        used.add(changed.consumed, _UNIT_TIMES)
    if any(reason["Code"] != "None" for reason in reasons):
        raise TransactionCanceled(reasons)
    if size > SIZE_BYTES_MAX:
        raise ValidationError(
            "The aggregate size of the items in the transaction exceeds the limit of 4 MB"
        )
    return consumed


async def _consumed_again(
    transaction: Transaction, writes: Sequence[_Write]
) -> dict[str, Consumed]:
    """What it takes to answer a request that was done before: its items are read."""
    consumed: dict[str, Consumed] = {}
    for write in writes:
        assert write.table is not None
        assert write.change is not None
        place = place_of(write.table.schema, write.change.key)
        stored = await store.load_item(transaction, write.table, place)
        units = read_units(0 if stored is None else stored.size_bytes, consistent=True)
        used = consumed.setdefault(write.table.name, Consumed())
        used.table += units * _UNIT_TIMES
    return consumed


async def transact_get_items(
    needs: Needs, call: Call, request: shapes.TransactGetItemsInput
) -> shapes.TransactGetItemsOutput:
    """Up to 100 items as they are at one moment; an empty answer in the place of a missing one.

    Raises:
        ResourceNotFound
        ValidationError: a key is not its table's, an item stands twice, or all are over 4 MB.

    Source: DynamoDB API reference, TransactGetItems.
    """
    projections = [read_projection(each.get) for each in request.transact_items]
    consumed: dict[str, Consumed] = {}
    responses: list[shapes.ItemResponse] = []
    seen: set[bytes] = set()
    size = 0
    async with needs.records.transaction() as transaction:
        for each, projection in zip(request.transact_items, projections, strict=True):
            table = await require_table(transaction, call, each.get.table_name)
            check_key(table.schema, each.get.key)
            place = place_of(table.schema, each.get.key)
            if store.items_prefix(table) + place in seen:
                raise ValidationError(_SAME_ITEM)
            seen.add(store.items_prefix(table) + place)
            stored = await store.load_item(transaction, table, place)
            read = 0 if stored is None else stored.size_bytes
            size += read
            used = consumed.setdefault(table.name, Consumed())
            used.table += read_units(read, consistent=True) * _UNIT_TIMES
            if stored is None:
                responses.append(shapes.ItemResponse())
                continue
            item = stored.item
            shown = item if projection is None else projection.of(item)
            responses.append(shapes.ItemResponse(item=shown))
    if size > SIZE_BYTES_MAX:
        raise ValidationError(
            "The aggregate size of the items in the transaction exceeds the limit of 4 MB"
        )
    wanted = request.return_consumed_capacity
    capacities = [
        capacity
        for name, used in consumed.items()
        if (capacity := used.shown(name, wanted, "read")) is not None
    ]
    return shapes.TransactGetItemsOutput(responses=responses, consumed_capacity=capacities or None)
