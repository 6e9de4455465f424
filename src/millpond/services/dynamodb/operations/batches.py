"""BatchGetItem and BatchWriteItem: many items, each for itself."""

from millpond.kernel.call import Call
from millpond.services.dynamodb import changes, shapes, store
from millpond.services.dynamodb.access import require_table
from millpond.services.dynamodb.errors import ValidationError
from millpond.services.dynamodb.model.capacity import Consumed, read_units
from millpond.services.dynamodb.model.keys import check_key, place_of
from millpond.services.dynamodb.model.tables import Table
from millpond.services.dynamodb.model.values import Item
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.operations.items import read_projection, refuse_collection_metrics
from millpond.services.dynamodb.writing import Change, change_item

GOT_MAX = 100
WRITTEN_MAX = 25
ANSWER_SIZE_BYTES_MAX = 16 * 1024 * 1024
_DUPLICATES = "Provided list of item keys contains duplicates"


async def batch_get_item(
    needs: Needs, call: Call, request: shapes.BatchGetItemInput
) -> shapes.BatchGetItemOutput:
    """Items of up to 100 keys; those beyond 16 MB are left to another call.

    Raises:
        ResourceNotFound
        ValidationError: too many keys, the same key twice, or no key of its table.

    Source: DynamoDB API reference, BatchGetItem.
    """
    count = sum(len(asked.keys) for asked in request.request_items.values())
    if count > GOT_MAX:
        raise ValidationError("Too many items requested for the BatchGetItem call")
    answer = shapes.BatchGetItemOutput(responses={}, unprocessed_keys={})
    consumed: list[shapes.ConsumedCapacity] = []
    left = ANSWER_SIZE_BYTES_MAX
    for name, asked in request.request_items.items():
        found, unread, table, used, left = await _get(needs, call, name, asked, left)
        assert answer.responses is not None
        assert answer.unprocessed_keys is not None
        answer.responses[name] = found
        if unread:
            answer.unprocessed_keys[name] = shapes.KeysAndAttributes(
                keys=unread,
                attributes_to_get=asked.attributes_to_get,
                consistent_read=asked.consistent_read,
                projection_expression=asked.projection_expression,
                expression_attribute_names=asked.expression_attribute_names,
            )
        shown = used.shown(table.name, request.return_consumed_capacity)
        consumed += [shown] if shown else []
    answer.consumed_capacity = consumed or None
    return answer


async def _get(
    needs: Needs, call: Call, name: str, asked: shapes.KeysAndAttributes, left: int
) -> tuple[list[Item], list[Item], Table, Consumed, int]:
    """The items of one table, the keys for which no room was `left`, and what room is left."""
    projection = read_projection(asked)
    found: list[Item] = []
    unread: list[Item] = []
    consumed = Consumed()
    seen: set[bytes] = set()
    async with needs.records.transaction() as transaction:
        table = await require_table(transaction, call, name)
        for key in asked.keys:
            check_key(table.schema, key)
            seen.add(place_of(table.schema, key))
        if len(seen) < len(asked.keys):
            raise ValidationError(_DUPLICATES)
        for key in asked.keys:
            if left <= 0:
                unread.append(key)
                continue
            stored = await store.load_item(transaction, table, place_of(table.schema, key))
            size = 0 if stored is None else stored.size_bytes
            if size > left:
                unread.append(key)
                left = 0
                continue
            left -= size
            consumed.table += read_units(size, consistent=asked.consistent_read or False)
            if stored is not None:
                item = stored.item
                found.append(item if projection is None else projection.of(item))
    return found, unread, table, consumed, left


async def batch_write_item(
    needs: Needs, call: Call, request: shapes.BatchWriteItemInput
) -> shapes.BatchWriteItemOutput:
    """Put and delete up to 25 items. Here all are done, in one transaction.

    Raises:
        ResourceNotFound
        ValidationError: too many items, the same one twice, or no item of its table.

    Source: DynamoDB API reference, BatchWriteItem.
    """
    if sum(map(len, request.request_items.values())) > WRITTEN_MAX:
        raise ValidationError("Too many items requested for the BatchWriteItem call")
    consumed: list[shapes.ConsumedCapacity] = []
    done: set[bytes] = set()
    async with needs.records.transaction() as transaction:
        for name, writes in request.request_items.items():
            table = await require_table(transaction, call, name)
            refuse_collection_metrics(table, request.return_item_collection_metrics)
            used = Consumed()
            for write in writes:
                change = _change(table, write)
                place = store.items_prefix(table) + place_of(table.schema, change.key)
                if place in done:
                    raise ValidationError(_DUPLICATES)
                done.add(place)
                used.add((await change_item(transaction, table, change)).consumed)
            shown = used.shown(table.name, request.return_consumed_capacity)
            consumed += [shown] if shown else []
    return shapes.BatchWriteItemOutput(unprocessed_items={}, consumed_capacity=consumed or None)


def _change(table: Table, write: shapes.WriteRequest) -> Change:
    put, delete = write.put_request, write.delete_request
    if (put is None) == (delete is None):
        raise ValidationError(
            "Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest"
        )
    if put is not None:
        return changes.put(put.item)(table.schema)
    assert delete is not None
    return changes.delete(delete.key)(table.schema)
