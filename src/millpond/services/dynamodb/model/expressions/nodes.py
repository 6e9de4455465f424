"""The trees that expressions are parsed to, and that legacy parameters are translated to."""

from dataclasses import dataclass
from typing import Literal

from millpond.services.dynamodb.model.values import Kind, Value

Path = tuple[str | int, ...]
"""A document path: names of attributes and map entries, and places in lists."""


@dataclass(frozen=True, slots=True)
class At:
    """The value at a path; nothing when there is none."""

    path: Path


@dataclass(frozen=True, slots=True)
class Literally:
    """A value that the request carries."""

    value: Value


@dataclass(frozen=True, slots=True)
class Size:
    """How long what stands at a path is."""

    of: "At | Literally"


Operand = At | Literally | Size
Comparator = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare:
    operator: Comparator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    choices: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    path: Path


@dataclass(frozen=True, slots=True)
class HasType:
    path: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class BeginsWith:
    operand: Operand
    start: Operand


@dataclass(frozen=True, slots=True)
class Contains:
    container: Operand
    element: Operand


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the conditions holds."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Any:
    """One of the conditions holds."""

    conditions: "tuple[Condition, ...]"


Condition = Compare | Between | In | Exists | HasType | BeginsWith | Contains | Not | All | Any


@dataclass(frozen=True, slots=True)
class IfNotExists:
    """What stands at the path, or else the other."""

    path: Path
    otherwise: "Source"


@dataclass(frozen=True, slots=True)
class ListAppend:
    left: "Source"
    right: "Source"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: Literal["+", "-"]
    left: "Source"
    right: "Source"


Source = At | Literally | IfNotExists | ListAppend | Arithmetic
"""Where a new value comes from."""


@dataclass(frozen=True, slots=True)
class Set:
    path: Path
    source: Source


@dataclass(frozen=True, slots=True)
class Remove:
    path: Path


@dataclass(frozen=True, slots=True)
class Add:
    """Add to a number or a set, and begin with it where there is none. `append` lets a list grow,
    as only the legacy parameters do."""

    path: Path
    value: Value
    append: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Take elements out of a set."""

    path: Path
    value: Value


Action = Set | Remove | Add | Delete


@dataclass(frozen=True, slots=True)
class Update:
    """What is to be done to an item. `makes_items`: also where there is none yet."""

    actions: tuple[Action, ...]
    makes_items: bool = True


BoundOperator = Literal["=", "<", "<=", ">", ">=", "between", "begins_with"]


@dataclass(frozen=True, slots=True)
class Bound:
    """What is asked of a key attribute; `second` is the upper bound of `between`."""

    operator: BoundOperator
    first: Value
    second: Value | None = None


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """What a query asks of the keys: the partition, and perhaps a bound of the sort key."""

    partition: Value
    bound: Bound | None = None
