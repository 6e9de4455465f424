"""The trees that expressions are parsed to, and that legacy parameters are translated to."""

from typing import Literal

from msgspec import Struct

from millpond.services.dynamodb.model.values import Kind, Value

Path = tuple[str | int, ...]
"""A document path: names of attributes and map entries, and places in lists."""


class At(Struct, frozen=True):
    """The value at a path; nothing when there is none."""

    path: Path


class Literally(Struct, frozen=True):
    """A value that the request carries."""

    value: Value


class Size(Struct, frozen=True):
    """How long what stands at a path is."""

    of: "At | Literally"


Operand = At | Literally | Size
Comparator = Literal["=", "<>", "<", "<=", ">", ">="]


class Compare(Struct, frozen=True):
    operator: Comparator
    left: Operand
    right: Operand


class Between(Struct, frozen=True):
    operand: Operand
    low: Operand
    high: Operand


class In(Struct, frozen=True):
    operand: Operand
    choices: tuple[Operand, ...]


class Exists(Struct, frozen=True):
    path: Path


class HasType(Struct, frozen=True):
    path: Path
    kind: Kind


class BeginsWith(Struct, frozen=True):
    operand: Operand
    start: Operand


class Contains(Struct, frozen=True):
    container: Operand
    element: Operand


class Not(Struct, frozen=True):
    condition: "Condition"


class All(Struct, frozen=True):
    """Every one of the conditions holds."""

    conditions: "tuple[Condition, ...]"


class Any(Struct, frozen=True):
    """One of the conditions holds."""

    conditions: "tuple[Condition, ...]"


Condition = Compare | Between | In | Exists | HasType | BeginsWith | Contains | Not | All | Any


class IfNotExists(Struct, frozen=True):
    """What stands at the path, or else the other."""

    path: Path
    otherwise: "Source"


class ListAppend(Struct, frozen=True):
    left: "Source"
    right: "Source"


class Arithmetic(Struct, frozen=True):
    operator: Literal["+", "-"]
    left: "Source"
    right: "Source"


Source = At | Literally | IfNotExists | ListAppend | Arithmetic
"""Where a new value comes from."""


class Set(Struct, frozen=True):
    path: Path
    source: Source


class Remove(Struct, frozen=True):
    path: Path


class Add(Struct, frozen=True):
    """Add to a number or a set, and begin with it where there is none. `append` lets a list grow,
    as only the legacy parameters do."""

    path: Path
    value: Value
    append: bool = False


class Delete(Struct, frozen=True):
    """Take elements out of a set."""

    path: Path
    value: Value


Action = Set | Remove | Add | Delete


class Update(Struct, frozen=True):
    """What is to be done to an item. `makes_items`: also where there is none yet."""

    actions: tuple[Action, ...]
    makes_items: bool = True


BoundOperator = Literal["=", "<", "<=", ">", ">=", "between", "begins_with"]


class Bound(Struct, frozen=True):
    """What is asked of a key attribute; `second` is the upper bound of `between`."""

    operator: BoundOperator
    first: Value
    second: Value | None = None


class KeyCondition(Struct, frozen=True):
    """What a query asks of the keys: the partition, and perhaps a bound of the sort key."""

    partition: Value
    bound: Bound | None = None
