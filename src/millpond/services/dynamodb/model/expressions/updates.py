"""Reads UpdateExpression.

    update := ("SET" set ("," set)* | "REMOVE" path ("," path)*
               | ("ADD" | "DELETE") path value ("," path value)*)+       each word once
    set    := path "=" sum
    sum    := source (("+" | "-") source)?
    source := path | value | "(" sum ")"
            | "if_not_exists" "(" path "," source ")" | "list_append" "(" source "," source ")"

Source: DynamoDB developer guide, Update expressions.
"""

from typing import Literal, cast

from millpond.services.dynamodb.model.expressions.nodes import (
    Action,
    Add,
    Arithmetic,
    At,
    Delete,
    IfNotExists,
    ListAppend,
    Literally,
    Remove,
    Set,
    Source,
    Update,
)
from millpond.services.dynamodb.model.expressions.tokens import Cursor, Substitutes, check_apart
from millpond.services.dynamodb.model.values import Kind, kind_of

NESTING_MAX = 60

_WORDS: dict[Kind, str] = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "M": "MAP",
    "L": "LIST",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}
_SETS = frozenset(("SS", "NS", "BS"))


def parse_update(text: str, substitutes: Substitutes) -> Update:
    """The update that `text` says.

    Raises:
        ValidationError: it is no update; AWS's words say where.
    """
    return _Parser(Cursor("UpdateExpression", text, substitutes)).whole()


class _Parser:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._depth = 0

    def whole(self) -> Update:
        cursor = self._cursor
        actions: list[Action] = []
        seen: set[str] = set()
        while cursor.token.kind != "end":
            section = cursor.take_word("SET", "REMOVE", "ADD", "DELETE")
            if section is None:
                cursor.refuse_token()
            if section in seen:
                cursor.refuse(
                    f'The "{section}" section can only be used once in an update expression;'
                )
            seen.add(section)
            actions.append(self._action(section))
            while cursor.take_sign(","):
                actions.append(self._action(section))
        check_apart(cursor, [action.path for action in actions])
        return Update(tuple(actions))

    def _action(self, section: str) -> Action:
        cursor = self._cursor
        path = cursor.path()
        if section == "REMOVE":
            return Remove(path)
        if section == "SET":
            cursor.expect_sign("=")
            return Set(path, self._sum())
        if cursor.token.kind != "value":
            cursor.refuse_token()
        value = cursor.value()
        kind = kind_of(value)
        if kind not in _SETS and (section == "DELETE" or kind != "N"):
            cursor.refuse(
                f"Incorrect operand type for operator or function; operator: {section}, "
                f"operand type: {_WORDS[kind]}"
            )
        return Add(path, value) if section == "ADD" else Delete(path, value)

    def _sum(self) -> Source:
        left = self._source()
        sign = self._cursor.take_sign("+", "-")
        if sign is None:
            return left
        right = self._source()
        for operand in (left, right):
            self._check_kind(sign, operand, "N")
        return Arithmetic(cast(Literal["+", "-"], sign), left, right)

    def _source(self) -> Source:
        cursor = self._cursor
        if cursor.token.kind == "value":
            return Literally(cursor.value())
        self._depth += 1
        if self._depth > NESTING_MAX:
            cursor.refuse("The expression is nested too deeply")
        try:
            if cursor.take_sign("("):
                inner = self._sum()
                cursor.expect_sign(")")
                return inner
            if cursor.token.kind == "word" and cursor.follows("("):
                return self._function()
            return At(cursor.path())
        finally:
            self._depth -= 1

    def _function(self) -> Source:
        cursor = self._cursor
        name = cursor.take().text
        if name not in ("if_not_exists", "list_append"):
            cursor.refuse(f"Invalid function name; function: {name}")
        cursor.expect_sign("(")
        arguments = [self._source()]
        while cursor.take_sign(","):
            arguments.append(self._source())
        cursor.expect_sign(")")
        if len(arguments) != 2:
            cursor.refuse(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {name}, number of operands: {len(arguments)}"
            )
        left, right = arguments
        if name == "list_append":
            self._check_kind(name, left, "L")
            self._check_kind(name, right, "L")
            return ListAppend(left, right)
        if not isinstance(left, At):
            cursor.refuse(
                f"Operator or function requires a document path; operator or function: {name}"
            )
        return IfNotExists(left.path, right)

    def _check_kind(self, name: str, operand: Source, wanted: Kind) -> None:
        if isinstance(operand, Literally) and (kind := kind_of(operand.value)) != wanted:
            self._cursor.refuse(
                "Incorrect operand type for operator or function; "
                f"operator or function: {name}, operand type: {kind}"
            )
