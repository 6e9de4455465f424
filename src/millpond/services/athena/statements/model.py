"""What statements ask for, as values. Names are in lower case, as the catalog keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Name = tuple[str | None, str]
"""A database, None where the statement names none, and a table or view."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` is Hive's type text in lower case without spaces."""

    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What every statement is one of."""


@dataclass(frozen=True, slots=True)
class Query(Statement):
    """A SELECT (WITH, VALUES, TABLE …), left as text for the SQL engine."""

    sql: str


@dataclass(frozen=True, slots=True)
class Explain(Statement):
    sql: str


@dataclass(frozen=True, slots=True)
class CreateDatabase(Statement):
    name: str
    if_not_exists: bool = False
    comment: str | None = None
    location: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DropDatabase(Statement):
    name: str
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class Storage:
    """How the files of a table are read and written, in Hive's classes."""

    serde: str
    serde_properties: Mapping[str, str]
    input_format: str
    output_format: str


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    name: Name
    columns: Sequence[Column]
    storage: Storage
    location: str
    if_not_exists: bool = False
    partition_columns: Sequence[Column] = ()
    comment: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateTableAs(Statement):
    """`properties` are those of WITH: strings, numbers as text, lists of strings."""

    name: Name
    sql: str
    if_not_exists: bool = False
    properties: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    with_data: bool = True


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    name: Name
    sql: str
    or_replace: bool = False


@dataclass(frozen=True, slots=True)
class DropTable(Statement):
    name: Name
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropView(Statement):
    name: Name
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class InsertInto(Statement):
    """`columns` is None where the statement names none."""

    name: Name
    sql: str
    columns: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Unload(Statement):
    sql: str
    location: str
    properties: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewPartition:
    values: Mapping[str, str]
    location: str | None = None


@dataclass(frozen=True, slots=True)
class AddPartitions(Statement):
    name: Name
    partitions: Sequence[NewPartition]
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition on a partition column: `=`, `<>`, `<`, `<=`, `>`, `>=`."""

    column: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class DropPartitions(Statement):
    """Each of `specs` drops the partitions for which all its comparisons hold."""

    name: Name
    specs: Sequence[Sequence[Comparison]]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class AddColumns(Statement):
    name: Name
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True)
class ReplaceColumns(Statement):
    name: Name
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True)
class SetLocation(Statement):
    """`partition` is None for the table's own location."""

    name: Name
    location: str
    partition: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SetProperties(Statement):
    name: Name
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RepairTable(Statement):
    name: Name


@dataclass(frozen=True, slots=True)
class ShowDatabases(Statement):
    """`like` is a regular expression with `*` for any characters."""

    like: str | None = None


@dataclass(frozen=True, slots=True)
class ShowTables(Statement):
    database: str | None = None
    like: str | None = None


@dataclass(frozen=True, slots=True)
class ShowViews(Statement):
    database: str | None = None
    like: str | None = None


@dataclass(frozen=True, slots=True)
class ShowPartitions(Statement):
    name: Name


@dataclass(frozen=True, slots=True)
class ShowColumns(Statement):
    name: Name


@dataclass(frozen=True, slots=True)
class ShowCreateTable(Statement):
    name: Name


@dataclass(frozen=True, slots=True)
class ShowCreateView(Statement):
    name: Name


@dataclass(frozen=True, slots=True)
class ShowTableProperties(Statement):
    """`key` is None for all of them."""

    name: Name
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    """`formatted` is DESCRIBE FORMATTED or EXTENDED."""

    name: Name
    formatted: bool = False
    column: str | None = None


@dataclass(frozen=True, slots=True)
class DescribeView(Statement):
    name: Name


@dataclass(frozen=True, slots=True)
class Prepare(Statement):
    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Execute(Statement):
    """`values` are the expressions after USING, as text."""

    name: str
    values: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Deallocate(Statement):
    name: str
