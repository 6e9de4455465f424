"""Reads ConditionExpression, FilterExpression and KeyConditionExpression.

    condition  := all ("OR" all)*
    all        := negated ("AND" negated)*
    negated    := "NOT"* primary
    primary    := "(" condition ")" | function | operand comparison
    comparison := ("=" | "<>" | "<" | "<=" | ">" | ">=") operand
                | "BETWEEN" operand "AND" operand | "IN" "(" operand ("," operand)* ")"
    operand    := path | value | "size" "(" operand ")"

Source: DynamoDB developer guide, Condition and filter expressions, operators, and functions.
"""

from typing import NoReturn, cast

from millpond.services.dynamodb.model.expressions.evaluate import compares
from millpond.services.dynamodb.model.expressions.nodes import (
    All,
    Any,
    At,
    BeginsWith,
    Between,
    Comparator,
    Compare,
    Condition,
    Contains,
    Exists,
    HasType,
    In,
    Literally,
    Not,
    Operand,
    Path,
    Size,
)
from millpond.services.dynamodb.model.expressions.tokens import Cursor, Substitutes, show_path
from millpond.services.dynamodb.model.values import Kind, kind_of, show

CHOICES_MAX = 100
OPERATORS_MAX = 300
NESTING_MAX = 60

_ORDERED: frozenset[Kind] = frozenset(("S", "N", "B"))
_TEXTS: frozenset[Kind] = frozenset(("S", "B"))
_SIZED: frozenset[Kind] = frozenset(("S", "B", "SS", "NS", "BS", "M", "L"))
_KINDS = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_ARGUMENTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}


def parse_condition(parameter: str, text: str, substitutes: Substitutes) -> Condition:
    """The condition that `text` says; `parameter` names it in refusals.

    Raises:
        ValidationError: it is no condition; AWS's words say where.
    """
    return _Parser(Cursor(parameter, text, substitutes)).whole()


class _Parser:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._depth = 0
        self._operators = 0

    def whole(self) -> Condition:
        condition = self._either()
        self._cursor.expect_end()
        return condition

    def _either(self) -> Condition:
        found = [self._both()]
        while self._cursor.take_word("OR"):
            self._count()
            found.append(self._both())
        return found[0] if len(found) == 1 else Any(tuple(found))

    def _both(self) -> Condition:
        found = [self._negated()]
        while self._cursor.take_word("AND"):
            self._count()
            found.append(self._negated())
        return found[0] if len(found) == 1 else All(tuple(found))

    def _negated(self) -> Condition:
        negated = False
        while self._cursor.take_word("NOT"):
            self._count()
            negated = not negated
        condition = self._primary()
        return Not(condition) if negated else condition

    def _primary(self) -> Condition:
        if self._cursor.take_sign("("):
            self._depth += 1
            if self._depth > NESTING_MAX:
                self._cursor.refuse("The expression is nested too deeply")
            condition = self._either()
            self._cursor.expect_sign(")")
            self._depth -= 1
            return condition
        if self._is_function() and self._cursor.token.text != "size":
            return self._function()
        return self._comparison()

    def _is_function(self) -> bool:
        return self._cursor.token.kind == "word" and self._cursor.follows("(")

    def _function(self) -> Condition:
        name, arguments = self._call()
        match name:
            case "attribute_exists":
                return Exists(self._path_of(name, arguments[0]))
            case "attribute_not_exists":
                return Not(Exists(self._path_of(name, arguments[0])))
            case "attribute_type":
                return HasType(self._path_of(name, arguments[0]), self._kind(arguments[1]))
            case "begins_with":
                for argument in arguments:
                    self._check_kind(name, argument, _TEXTS)
                return BeginsWith(arguments[0], arguments[1])
            case _:
                self._check_distinct(name, *arguments)
                return Contains(arguments[0], arguments[1])

    def _call(self) -> tuple[str, list[Operand]]:
        """Read a function's name and its operands."""
        name = self._cursor.take().text
        if name not in _ARGUMENTS:
            self._cursor.refuse(f"Invalid function name; function: {name}")
        self._count()
        self._cursor.expect_sign("(")
        arguments = [self._operand()]
        while self._cursor.take_sign(","):
            arguments.append(self._operand())
        self._cursor.expect_sign(")")
        if len(arguments) != _ARGUMENTS[name]:
            self._cursor.refuse(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {name}, number of operands: {len(arguments)}"
            )
        return name, arguments

    def _operand(self) -> Operand:
        if self._cursor.token.kind == "value":
            return Literally(self._cursor.value())
        if not self._is_function():
            return At(self._cursor.path())
        if self._cursor.token.text in _ARGUMENTS and self._cursor.token.text != "size":
            self._refuse_place(self._cursor.token.text)
        self._depth += 1
        if self._depth > NESTING_MAX:
            self._cursor.refuse("The expression is nested too deeply")
        _, (operand,) = self._call()
        self._depth -= 1
        if isinstance(operand, Size):
            self._refuse_place("size")
        self._check_kind("size", operand, _SIZED)
        return Size(operand)

    def _comparison(self) -> Condition:
        left = self._operand()
        cursor = self._cursor
        sign = cursor.take_sign("=", "<>", "<", "<=", ">", ">=")
        if sign is not None:
            self._count()
            right = self._operand()
            if sign not in ("=", "<>"):
                self._check_kind(sign, left, _ORDERED)
                self._check_kind(sign, right, _ORDERED)
            self._check_distinct(sign, left, right)
            return Compare(cast(Comparator, sign), left, right)
        if cursor.take_word("BETWEEN"):
            return self._between(left)
        cursor.expect_word("IN")
        self._count()
        cursor.expect_sign("(")
        choices = [self._operand()]
        while cursor.take_sign(","):
            choices.append(self._operand())
        cursor.expect_sign(")")
        if len(choices) > CHOICES_MAX:
            cursor.refuse(
                "Incorrect number of operands for operator or function; "
                f"operator or function: IN, number of operands: {len(choices) + 1}"
            )
        return In(left, tuple(choices))

    def _between(self, operand: Operand) -> Condition:
        self._count()
        low = self._operand()
        self._cursor.expect_word("AND")
        high = self._operand()
        for bound in (operand, low, high):
            self._check_kind("BETWEEN", bound, _ORDERED)
        if isinstance(low, Literally) and isinstance(high, Literally):
            bounds = (
                f"lower bound operand: AttributeValue: {show(low.value)}, "
                f"upper bound operand: AttributeValue: {show(high.value)}"
            )
            if kind_of(low.value) != kind_of(high.value):
                self._cursor.refuse(
                    "The BETWEEN operator requires same data type for lower and upper bounds; "
                    f"{bounds}"
                )
            if compares(">", low.value, high.value):
                self._cursor.refuse(
                    "The BETWEEN operator requires upper bound to be greater than or equal to "
                    f"lower bound; {bounds}"
                )
        return Between(operand, low, high)

    def _kind(self, operand: Operand) -> Kind:
        if not isinstance(operand, Literally) or operand.value.s is None:
            shown = kind_of(operand.value) if isinstance(operand, Literally) else "path"
            self._cursor.refuse(
                "Incorrect operand type for operator or function; "
                f"operator or function: attribute_type, operand type: {shown}"
            )
        if operand.value.s not in _KINDS:
            self._cursor.refuse(
                f"Invalid attribute type name found; type: {operand.value.s}, "
                f"valid types: {{{','.join(_KINDS)}}}"
            )
        return cast(Kind, operand.value.s)

    def _path_of(self, name: str, operand: Operand) -> Path:
        if not isinstance(operand, At):
            self._cursor.refuse(
                f"Operator or function requires a document path; operator or function: {name}"
            )
        return operand.path

    def _check_kind(self, name: str, operand: Operand, kinds: frozenset[Kind]) -> None:
        if isinstance(operand, Literally) and (kind := kind_of(operand.value)) not in kinds:
            self._cursor.refuse(
                "Incorrect operand type for operator or function; "
                f"operator or function: {name}, operand type: {kind}"
            )

    def _check_distinct(self, name: str, one: Operand, *others: Operand) -> None:
        if isinstance(one, At) and one in others:
            self._cursor.refuse(
                "The first operand must be distinct from the remaining operands for this operator "
                f"or function; operator: {name}, first operand: {show_path(one.path)}"
            )

    def _refuse_place(self, name: str) -> NoReturn:
        self._cursor.refuse(
            f"The function is not allowed to be used this way in an expression; function: {name}"
        )

    def _count(self) -> None:
        self._operators += 1
        if self._operators > OPERATORS_MAX:
            self._cursor.refuse(
                f"The expression has more than {OPERATORS_MAX} operators and functions"
            )
