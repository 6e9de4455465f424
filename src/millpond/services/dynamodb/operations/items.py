"""GetItem, PutItem, UpdateItem, DeleteItem."""

from collections.abc import Mapping

from millpond.kernel.call import Call
from millpond.services.dynamodb import changes, shapes, store
from millpond.services.dynamodb.access import require_table
from millpond.services.dynamodb.changes import (
    Asked,
    check_not_mixed,
    read_condition,
)
from millpond.services.dynamodb.errors import ValidationError, not_implemented
from millpond.services.dynamodb.model.capacity import Consumed, read_units
from millpond.services.dynamodb.model.expressions.nodes import Condition, Update
from millpond.services.dynamodb.model.expressions.projections import Projection, parse_projection
from millpond.services.dynamodb.model.expressions.tokens import Substitutes
from millpond.services.dynamodb.model.expressions.updates import parse_update
from millpond.services.dynamodb.model.keys import check_key, place_of
from millpond.services.dynamodb.model.legacy.updates import attribute_update
from millpond.services.dynamodb.model.tables import Table
from millpond.services.dynamodb.model.values import Value
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.writing import Changed, change_item

_PUT_OR_DELETE = shapes.PutItemInput | shapes.DeleteItemInput


async def get_item(needs: Needs, call: Call, request: shapes.GetItemInput) -> shapes.GetItemOutput:
    """The item of a key, or the parts of it that are asked for.

    Raises:
        ResourceNotFound
        ValidationError: the key is not the table's, or an expression is wrong.

    Source: DynamoDB API reference, GetItem.
    """
    projection = read_projection(request)
    async with needs.records.transaction() as transaction:
        table = await require_table(transaction, call, request.table_name)
        check_key(table.schema, request.key)
        stored = await store.load_item(transaction, table, place_of(table.schema, request.key))
    size = 0 if stored is None else stored.size_bytes
    consumed = Consumed(read_units(size, consistent=request.consistent_read or False))
    answer = shapes.GetItemOutput(
        consumed_capacity=consumed.shown(table.name, request.return_consumed_capacity)
    )
    if stored is not None:
        item = stored.item
        answer.item = item if projection is None else projection.of(item)
    return answer


def read_projection(
    request: shapes.GetItemInput | shapes.KeysAndAttributes | shapes.Get,
) -> Projection | None:
    """What a request for items wants of each; None for all.

    Raises:
        ValidationError
    """
    legacy = None if isinstance(request, shapes.Get) else request.attributes_to_get
    check_not_mixed(
        {"AttributesToGet": legacy},
        {
            "ProjectionExpression": request.projection_expression,
            "ExpressionAttributeNames": request.expression_attribute_names,
        },
        valued=(),
    )
    if legacy is not None:
        return Projection(legacy_paths(legacy))
    if request.projection_expression is None:
        return None
    substitutes = Substitutes(request.expression_attribute_names)
    projection = parse_projection(request.projection_expression, substitutes)
    substitutes.check_used()
    return projection


def legacy_paths(names: list[str]) -> list[tuple[str]]:
    """AttributesToGet as paths.

    Raises:
        ValidationError: a name stands twice.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValidationError(
            f"One or more parameter values were invalid: Duplicate value in attribute name: {twice}"
        )
    return [(name,) for name in names]


async def put_item(needs: Needs, call: Call, request: shapes.PutItemInput) -> shapes.PutItemOutput:
    """Put an item in the place of what has its key.

    Raises:
        ConditionalCheckFailed, ResourceNotFound
        ValidationError: it is no item of the table, or an expression is wrong.

    Source: DynamoDB API reference, PutItem.
    """
    _check_returned(request.return_values)
    condition = _read_condition(request)
    asked = changes.put(request.item, condition, shows_item=_shows_item(request))
    table, changed = await _change(needs, call, request, asked)
    shown = changed.consumed.shown(table.name, request.return_consumed_capacity)
    answer = shapes.PutItemOutput(consumed_capacity=shown)
    if request.return_values == "ALL_OLD":
        answer.attributes = changed.old
    return answer


async def delete_item(
    needs: Needs, call: Call, request: shapes.DeleteItemInput
) -> shapes.DeleteItemOutput:
    """Remove the item of a key, if there is one.

    Raises:
        ConditionalCheckFailed, ResourceNotFound
        ValidationError: the key is not the table's, or an expression is wrong.

    Source: DynamoDB API reference, DeleteItem.
    """
    _check_returned(request.return_values)
    condition = _read_condition(request)
    asked = changes.delete(request.key, condition, shows_item=_shows_item(request))
    table, changed = await _change(needs, call, request, asked)
    shown = changed.consumed.shown(table.name, request.return_consumed_capacity)
    answer = shapes.DeleteItemOutput(consumed_capacity=shown)
    if request.return_values == "ALL_OLD":
        answer.attributes = changed.old
    return answer


async def update_item(
    needs: Needs, call: Call, request: shapes.UpdateItemInput
) -> shapes.UpdateItemOutput:
    """Change attributes of the item of a key, or make it.

    Raises:
        ConditionalCheckFailed, ResourceNotFound
        ValidationError: the key is not the table's, an expression is wrong, or the update does not
            fit the item.

    Source: DynamoDB API reference, UpdateItem.
    """
    substitutes = Substitutes(
        request.expression_attribute_names, request.expression_attribute_values
    )
    check_not_mixed(
        {
            "AttributeUpdates": request.attribute_updates,
            "Expected": request.expected,
            "ConditionalOperator": request.conditional_operator,
        },
        {
            "UpdateExpression": request.update_expression,
            "ConditionExpression": request.condition_expression,
            "ExpressionAttributeNames": request.expression_attribute_names,
            "ExpressionAttributeValues": request.expression_attribute_values,
        },
        valued=("UpdateExpression", "ConditionExpression"),
    )
    does = _read_update(request, substitutes)
    condition = read_condition(
        request.condition_expression, substitutes, request.expected, request.conditional_operator
    )
    substitutes.check_used()
    asked = changes.update(request.key, does, condition, shows_item=_shows_item(request))
    table, changed = await _change(needs, call, request, asked)
    return shapes.UpdateItemOutput(
        attributes=_returned(request.return_values, does, changed),
        consumed_capacity=changed.consumed.shown(table.name, request.return_consumed_capacity),
    )


def _read_update(request: shapes.UpdateItemInput, substitutes: Substitutes) -> Update:
    if request.update_expression is not None:
        return parse_update(request.update_expression, substitutes)
    return attribute_update(request.attribute_updates or {})


def _returned(wanted: str | None, does: Update, changed: Changed) -> dict[str, Value] | None:
    """What ReturnValues asks for."""
    item = changed.old if wanted in ("ALL_OLD", "UPDATED_OLD") else changed.new
    if item is None or wanted in (None, "NONE"):
        return None
    if wanted in ("ALL_OLD", "ALL_NEW"):
        return item
    return Projection([action.path for action in does.actions]).of(item) or None


def _check_returned(wanted: str | None) -> None:
    if wanted not in (None, "NONE", "ALL_OLD"):
        raise ValidationError("Return values set to invalid value")


def _shows_item(request: _PUT_OR_DELETE | shapes.UpdateItemInput) -> bool:
    return request.return_values_on_condition_check_failure == "ALL_OLD"


def _read_condition(request: _PUT_OR_DELETE) -> Condition | None:
    expressions: Mapping[str, object] = {
        "ConditionExpression": request.condition_expression,
        "ExpressionAttributeNames": request.expression_attribute_names,
        "ExpressionAttributeValues": request.expression_attribute_values,
    }
    legacy: Mapping[str, object] = {
        "Expected": request.expected,
        "ConditionalOperator": request.conditional_operator,
    }
    substitutes = Substitutes(
        request.expression_attribute_names, request.expression_attribute_values
    )
    check_not_mixed(legacy, expressions, valued=("ConditionExpression",))
    condition = read_condition(
        request.condition_expression, substitutes, request.expected, request.conditional_operator
    )
    substitutes.check_used()
    return condition


async def _change(
    needs: Needs, call: Call, request: _PUT_OR_DELETE | shapes.UpdateItemInput, asked: Asked
) -> tuple[Table, Changed]:
    async with needs.records.transaction() as transaction:
        table = await require_table(transaction, call, request.table_name)
        refuse_collection_metrics(table, request.return_item_collection_metrics)
        return table, await change_item(transaction, table, asked(table.schema))


def refuse_collection_metrics(table: Table, wanted: str | None) -> None:
    """Refuse to tell the size of item collections, which only local indexes have.

    Raises:
        ValidationError: naming the option.
    """
    local = any(index.local for index in table.indexes)
    not_implemented(("ReturnItemCollectionMetrics", wanted == "SIZE" and local))
