"""From the parameters of writing requests to the changes they ask for.

PutItem, DeleteItem and UpdateItem, and the parts of batches and transactions, say the same things
with the same members; these functions take the members one by one.
"""

from collections.abc import Callable, Mapping

from millpond.services.dynamodb import shapes
from millpond.services.dynamodb.errors import ValidationError
from millpond.services.dynamodb.model.expressions.apply import apply_update, check_keys_stay
from millpond.services.dynamodb.model.expressions.conditions import parse_condition
from millpond.services.dynamodb.model.expressions.nodes import Condition, Update
from millpond.services.dynamodb.model.expressions.tokens import Substitutes
from millpond.services.dynamodb.model.keys import check_item_key, check_key, key_of
from millpond.services.dynamodb.model.legacy.conditions import expected_condition
from millpond.services.dynamodb.model.tables import KeySchema
from millpond.services.dynamodb.model.values import Item, Value, check, check_item
from millpond.services.dynamodb.writing import Change

Asked = Callable[[KeySchema], Change]
"""The change, once the table's keys are known."""


def check_not_mixed(
    legacy: Mapping[str, object], expressions: Mapping[str, object], *, valued: tuple[str, ...]
) -> None:
    """Refuse legacy parameters beside expressions, and substitutes without any.

    `valued` are the expressions that may have values.

    Raises:
        ValidationError: naming them.
    """
    old = [name for name, given in legacy.items() if given is not None]
    new = [name for name, given in expressions.items() if given is not None]
    if old and new:
        raise ValidationError(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} "
            f"Expression parameters: {{{', '.join(new)}}}"
        )
    real = [name for name in new if not name.startswith("ExpressionAttribute")]
    if not real and "ExpressionAttributeNames" in new:
        raise ValidationError(
            "ExpressionAttributeNames can only be specified when using expressions"
        )
    if "ExpressionAttributeValues" in new and not any(name in real for name in valued):
        verb = "is" if len(valued) == 1 else "are"
        raise ValidationError(
            "ExpressionAttributeValues can only be specified when using expressions: "
            f"{' and '.join(valued)} {verb} null"
        )


def check_conditional_operator(
    operator: str | None, conditions: Mapping[str, object] | None
) -> None:
    """Refuse a ConditionalOperator that joins nothing.

    Raises:
        ValidationError
    """
    if operator is None:
        return
    if not conditions:
        raise ValidationError("ConditionalOperator cannot be used without Filter or Expected")
    if len(conditions) == 1:
        raise ValidationError(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )


def read_condition(
    expression: str | None,
    substitutes: Substitutes,
    expected: Mapping[str, shapes.ExpectedAttributeValue] | None = None,
    conditional_operator: str | None = None,
) -> Condition | None:
    """What a request makes its writing depend on; None when it does not.

    Raises:
        ValidationError
    """
    check_conditional_operator(conditional_operator, expected)
    if expected:
        return expected_condition(expected, conditional_operator)
    if expression is None:
        return None
    return parse_condition("ConditionExpression", expression, substitutes)


def put(item: Item, condition: Condition | None = None, *, shows_item: bool = False) -> Asked:
    """Put an item in the place of what has its key.

    Raises (when asked):
        ValidationError: it is no item of the table.
    """
    check_item(item)

    def ask(schema: KeySchema) -> Change:
        check_item_key(schema, item)
        return Change(
            key=key_of(schema, item),
            make=lambda old: item,
            condition=condition,
            shows_item=shows_item,
        )

    return ask


def delete(key: Item, condition: Condition | None = None, *, shows_item: bool = False) -> Asked:
    """Remove the item of a key.

    Raises (when asked):
        ValidationError: it is no key of the table.
    """

    def ask(schema: KeySchema) -> Change:
        check_key(schema, key)
        return Change(key=key, make=lambda old: None, condition=condition, shows_item=shows_item)

    return ask


def check_only(key: Item, condition: Condition, *, shows_item: bool = False) -> Asked:
    """Ask a condition of the item of a key.

    Raises (when asked):
        ValidationError: it is no key of the table.
    """

    def ask(schema: KeySchema) -> Change:
        check_key(schema, key)
        return Change(key=key, condition=condition, shows_item=shows_item)

    return ask


def update(
    key: Item, does: Update, condition: Condition | None = None, *, shows_item: bool = False
) -> Asked:
    """Update the item of a key, or make it.

    Raises (when asked):
        ValidationError: it is no key of the table, or the update changes key attributes.
    """

    def ask(schema: KeySchema) -> Change:
        check_key(schema, key)
        check_keys_stay(does, schema.names)

        def make(old: Item | None) -> Item | None:
            if old is None and not does.makes_items:
                return None
            new = apply_update(does, key if old is None else old)
            _check_nesting(does, new)
            return new

        return Change(
            key=key,
            make=make,
            condition=condition,
            shows_item=shows_item,
            too_large="Item size to update has exceeded the maximum allowed size",
        )

    return ask


def _check_nesting(does: Update, new: Mapping[str, Value]) -> None:
    """Refuse what an update nested too deeply: only a path of several parts can."""
    for action in does.actions:
        if len(action.path) > 1 and (value := new.get(str(action.path[0]))) is not None:
            check(value)
