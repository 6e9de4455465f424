"""Tables."""

from collections.abc import Callable

import msgspec

from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.errors import (
    AlreadyExists,
    EntityNotFound,
    InvalidInput,
    not_implemented,
)
from millpond.services.glue.model import Table, check_indexes, fold, next_version
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import (
    check_catalog,
    pages_of,
    require_database,
    require_table,
)
from millpond.services.glue.operations.table_answers import (
    accept_table,
    cut_to_attributes,
    show_table,
)
from millpond.services.glue.pattern import BadPattern, compile_pattern, parse_regex

PAGE_SIZE_DEFAULT = 100


async def create_table(
    needs: Needs, call: Call, request: shapes.CreateTableRequest
) -> shapes.CreateTableResponse:
    """Describe a table; its name is folded to lower case, its version is 0.

    Raises:
        AlreadyExists: the database has a table of that name.

    Source: Glue API reference, CreateTable.
    """
    check_catalog(call, request.catalog_id)
    not_implemented(
        ("OpenTableFormatInput", request.open_table_format_input),
        ("TransactionId", request.transaction_id),
    )
    if request.table_input is None:
        raise InvalidInput("TableInput cannot be null.")
    described = accept_table(request.table_input)
    if request.name is not None and fold(request.name) != described.name:
        raise InvalidInput("Name and TableInput.Name differ.")
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.database_name)
        if await store.load_table(transaction, call, database, described.name):
            raise AlreadyExists("Table already exists.")
        now_ms = needs.clock.now_ms()
        table = Table(
            id=needs.ids.hex(8),
            input=described,
            created_ms=now_ms,
            updated_ms=now_ms,
            created_by=call.principal.arn,
        )
        indexes = check_indexes(table.keys, (), request.partition_indexes or [])
        store.save_table(
            transaction, call, database.id, msgspec.structs.replace(table, indexes=indexes)
        )
    return shapes.CreateTableResponse()


async def get_table(
    needs: Needs, call: Call, request: shapes.GetTableRequest
) -> shapes.GetTableResponse:
    """The table as it is now.

    Source: Glue API reference, GetTable.
    """
    check_catalog(call, request.catalog_id)
    not_implemented(
        ("TransactionId", request.transaction_id), ("QueryAsOfTime", request.query_as_of_time)
    )
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.name)
    shown = show_table(call, request.database_name, table)
    return shapes.GetTableResponse(table=cut_to_attributes(shown, request.attributes_to_get))


async def get_tables(
    needs: Needs, call: Call, request: shapes.GetTablesRequest
) -> shapes.GetTablesResponse:
    """The tables of a database by name, those that `Expression` matches.

    Source: Glue API reference, GetTables.
    """
    check_catalog(call, request.catalog_id)
    not_implemented(
        ("TransactionId", request.transaction_id), ("QueryAsOfTime", request.query_as_of_time)
    )
    matches = name_filter(request.expression)
    database_name = fold(request.database_name)
    paging = pages_of(needs, call, database_name, request.expression)
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.Table] = []
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, database_name)
        if request.resource_share_type == "FEDERATED":
            return shapes.GetTablesResponse(table_list=[])
        async for table in store.scan_tables(transaction, call, database.id, after):
            if not matches(table.input.name):
                continue
            if len(found) == size:
                token = paging.seal(found[-1].name or "")
                return shapes.GetTablesResponse(table_list=found, next_token=token)
            shown = show_table(call, database_name, table)
            found.append(cut_to_attributes(shown, request.attributes_to_get))
    return shapes.GetTablesResponse(table_list=found)


def name_filter(expression: str | None) -> Callable[[str], bool]:
    """Tells whether a name matches a regular expression, as a whole.

    A star with nothing to repeat, or behind a letter, may also stand for any characters, as in
    the patterns of Hive: `sales_*`.

    Raises:
        InvalidInput: the expression cannot be read.
    """
    if not expression:
        return lambda _: True
    tests: list[Callable[[str], bool]] = []
    failure = ""
    for text in (expression.lower(), _starred(expression.lower())):
        try:
            tests.append(compile_pattern(parse_regex(text)))
        except BadPattern as error:
            failure = failure or str(error)
    if not tests:
        raise InvalidInput(f"Expression {expression} cannot be used. {failure}")
    return lambda name: any(test(name) for test in tests)


def _starred(expression: str) -> str:
    parts: list[str] = []
    for index, character in enumerate(expression):
        if character == "*" and expression[index - 1 : index] not in (".", "]", ")", "}"):
            parts.append(".")
        parts.append(character)
    return "".join(parts)


async def update_table(
    needs: Needs, call: Call, request: shapes.UpdateTableRequest
) -> shapes.UpdateTableResponse:
    """Replace a table's description; the former one is archived unless `SkipArchive` is set.

    Raises:
        ConcurrentModification: `VersionId` is given and is not the table's any more.

    Source: Glue API reference, UpdateTable.
    """
    check_catalog(call, request.catalog_id)
    not_implemented(
        ("TransactionId", request.transaction_id),
        ("ViewUpdateAction", request.view_update_action),
        ("Force", request.force),
        ("UpdateOpenTableFormatInput", request.update_open_table_format_input),
    )
    if request.table_input is None:
        raise InvalidInput("TableInput cannot be null.")
    described = accept_table(request.table_input)
    if request.name is not None and fold(request.name) != described.name:
        raise InvalidInput("A table cannot be renamed: Name and TableInput.Name differ.")
    async with needs.records.transaction() as transaction:
        database, table = await require_table(
            transaction, call, request.database_name, described.name
        )
        updated = next_version(table, described, request.version_id, needs.clock.now_ms())
        if not request.skip_archive:
            store.save_version(transaction, call, table)
        store.save_table(transaction, call, database.id, updated)
    return shapes.UpdateTableResponse()


async def delete_table(
    needs: Needs, call: Call, request: shapes.DeleteTableRequest
) -> shapes.DeleteTableResponse:
    """Remove a table with its versions and partitions; the data stays.

    Source: Glue API reference, DeleteTable.
    """
    check_catalog(call, request.catalog_id)
    not_implemented(("TransactionId", request.transaction_id))
    async with needs.records.transaction() as transaction:
        database, table = await require_table(
            transaction, call, request.database_name, request.name
        )
        store.drop_table(transaction, call, database.id, table)
    return shapes.DeleteTableResponse()


async def batch_delete_table(
    needs: Needs, call: Call, request: shapes.BatchDeleteTableRequest
) -> shapes.BatchDeleteTableResponse:
    """Remove several tables; those that are not there are told one by one.

    Source: Glue API reference, BatchDeleteTable.
    """
    check_catalog(call, request.catalog_id)
    not_implemented(("TransactionId", request.transaction_id))
    errors: list[shapes.TableError] = []
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.database_name)
        for name in request.tables_to_delete:
            table = await store.load_table(transaction, call, database, fold(name))
            if table is not None:
                store.drop_table(transaction, call, database.id, table)
                continue
            detail = shapes.ErrorDetail(
                error_code=EntityNotFound.code, error_message=f"Table {fold(name)} not found."
            )
            errors.append(shapes.TableError(table_name=name, error_detail=detail))
    return shapes.BatchDeleteTableResponse(errors=errors)
