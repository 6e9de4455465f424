"""What statements ask for, as values. Names are in lower case, as the catalog keeps them."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

Name = tuple[str | None, str]
"""A database, None where the statement names none, and a table or view."""


class Column(Struct, frozen=True):
    """A column; `type` is Hive's type text in lower case without spaces."""

    name: str
    type: str
    comment: str | None = None


class Statement(Struct, frozen=True):
    """What every statement is one of."""


class Query(Statement, frozen=True):
    """A SELECT (WITH, VALUES, TABLE …), left as text for the SQL engine."""

    sql: str


class Explain(Statement, frozen=True):
    sql: str


class CreateDatabase(Statement, frozen=True):
    name: str
    if_not_exists: bool = False
    comment: str | None = None
    location: str | None = None
    properties: Mapping[str, str] = {}


class DropDatabase(Statement, frozen=True):
    name: str
    if_exists: bool = False
    cascade: bool = False


class Storage(Struct, frozen=True):
    """How the files of a table are read and written, in Hive's classes."""

    serde: str
    serde_properties: Mapping[str, str]
    input_format: str
    output_format: str


class CreateTable(Statement, frozen=True):
    name: Name
    columns: Sequence[Column]
    storage: Storage
    location: str
    if_not_exists: bool = False
    partition_columns: Sequence[Column] = ()
    comment: str | None = None
    properties: Mapping[str, str] = {}


class CreateTableAs(Statement, frozen=True):
    """`properties` are those of WITH: strings, numbers as text, lists of strings."""

    name: Name
    sql: str
    if_not_exists: bool = False
    properties: Mapping[str, str | Sequence[str]] = {}
    with_data: bool = True


class CreateView(Statement, frozen=True):
    name: Name
    sql: str
    or_replace: bool = False


class DropTable(Statement, frozen=True):
    name: Name
    if_exists: bool = False


class DropView(Statement, frozen=True):
    name: Name
    if_exists: bool = False


class InsertInto(Statement, frozen=True):
    """`columns` is None where the statement names none."""

    name: Name
    sql: str
    columns: Sequence[str] | None = None


class Unload(Statement, frozen=True):
    sql: str
    location: str
    properties: Mapping[str, str | Sequence[str]] = {}


class NewPartition(Struct, frozen=True):
    values: Mapping[str, str]
    location: str | None = None


class AddPartitions(Statement, frozen=True):
    name: Name
    partitions: Sequence[NewPartition]
    if_not_exists: bool = False


class Comparison(Struct, frozen=True):
    """A condition on a partition column: `=`, `<>`, `<`, `<=`, `>`, `>=`."""

    column: str
    operator: str
    value: str


class DropPartitions(Statement, frozen=True):
    """Each of `specs` drops the partitions for which all its comparisons hold."""

    name: Name
    specs: Sequence[Sequence[Comparison]]
    if_exists: bool = False


class AddColumns(Statement, frozen=True):
    name: Name
    columns: Sequence[Column]


class ReplaceColumns(Statement, frozen=True):
    name: Name
    columns: Sequence[Column]


class SetLocation(Statement, frozen=True):
    """`partition` is None for the table's own location."""

    name: Name
    location: str
    partition: Mapping[str, str] | None = None


class SetProperties(Statement, frozen=True):
    name: Name
    properties: Mapping[str, str]


class RepairTable(Statement, frozen=True):
    name: Name


class ShowDatabases(Statement, frozen=True):
    """`like` is a regular expression with `*` for any characters."""

    like: str | None = None


class ShowTables(Statement, frozen=True):
    database: str | None = None
    like: str | None = None


class ShowViews(Statement, frozen=True):
    database: str | None = None
    like: str | None = None


class ShowPartitions(Statement, frozen=True):
    name: Name


class ShowColumns(Statement, frozen=True):
    name: Name


class ShowCreateTable(Statement, frozen=True):
    name: Name


class ShowCreateView(Statement, frozen=True):
    name: Name


class ShowTableProperties(Statement, frozen=True):
    """`key` is None for all of them."""

    name: Name
    key: str | None = None


class Describe(Statement, frozen=True):
    """`formatted` is DESCRIBE FORMATTED or EXTENDED."""

    name: Name
    formatted: bool = False
    column: str | None = None


class DescribeView(Statement, frozen=True):
    name: Name


class Prepare(Statement, frozen=True):
    name: str
    sql: str


class Execute(Statement, frozen=True):
    """`values` are the expressions after USING, as text."""

    name: str
    values: Sequence[str] = ()


class Deallocate(Statement, frozen=True):
    name: str
