"""Prepared statements: SQL with `?` for values, kept in a work group for EXECUTE."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.athena.errors import InvalidRequest, ResourceNotFound
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.paging import page
from millpond.services.athena.operations.work_groups import existing
from millpond.services.athena.shapes import (
    BatchGetPreparedStatementInput,
    BatchGetPreparedStatementOutput,
    CreatePreparedStatementInput,
    CreatePreparedStatementOutput,
    DeletePreparedStatementInput,
    DeletePreparedStatementOutput,
    GetPreparedStatementInput,
    GetPreparedStatementOutput,
    ListPreparedStatementsInput,
    ListPreparedStatementsOutput,
    PreparedStatement,
    PreparedStatementSummary,
    UnprocessedPreparedStatementName,
    UpdatePreparedStatementInput,
    UpdatePreparedStatementOutput,
)
from millpond.services.athena.store import prepared_statements as store
from millpond.services.athena.store import work_groups as groups

PAGE_SIZE = 50


async def create_prepared_statement(
    needs: Needs, call: Call, request: CreatePreparedStatementInput
) -> CreatePreparedStatementOutput:
    """Keep a statement in a work group.

    Raises:
        InvalidRequest: there is no such work group, or it has a statement of that name.
    """
    async with needs.records.transaction() as transaction:
        existing(await groups.load(transaction, call, request.work_group), request.work_group)
        if await store.load(transaction, call, request.work_group, request.statement_name):
            raise InvalidRequest(
                f"PreparedStatement {request.statement_name} already exists in workGroup "
                f"{request.work_group}"
            )
        statement = PreparedStatement(
            statement_name=request.statement_name,
            query_statement=request.query_statement,
            work_group_name=request.work_group,
            description=request.description,
            last_modified_time=needs.clock.now_ms() / 1000,
        )
        store.save(transaction, call, statement)
    return CreatePreparedStatementOutput()


async def get_prepared_statement(
    needs: Needs, call: Call, request: GetPreparedStatementInput
) -> GetPreparedStatementOutput:
    """One prepared statement.

    Raises:
        ResourceNotFound: the work group has none of that name.
    """
    name, work_group = request.statement_name, request.work_group
    async with needs.records.transaction() as transaction:
        statement = await store.load(transaction, call, work_group, name)
    return GetPreparedStatementOutput(prepared_statement=_existing(statement, work_group, name))


async def batch_get_prepared_statement(
    needs: Needs, call: Call, request: BatchGetPreparedStatementInput
) -> BatchGetPreparedStatementOutput:
    """Several prepared statements; the names that are not known are told apart."""
    found: list[PreparedStatement] = []
    unprocessed: list[UnprocessedPreparedStatementName] = []
    async with needs.records.transaction() as transaction:
        for name in request.prepared_statement_names:
            statement = await store.load(transaction, call, request.work_group, name)
            if statement is not None:
                found.append(statement)
                continue
            unprocessed.append(
                UnprocessedPreparedStatementName(
                    statement_name=name,
                    error_code="STATEMENT_NOT_FOUND",
                    error_message=_absence(request.work_group, name),
                )
            )
    return BatchGetPreparedStatementOutput(
        prepared_statements=found, unprocessed_prepared_statement_names=unprocessed
    )


async def list_prepared_statements(
    needs: Needs, call: Call, request: ListPreparedStatementsInput
) -> ListPreparedStatementsOutput:
    """The prepared statements of a work group by name.

    Raises:
        InvalidRequest: there is no such work group.
    """
    work_group = request.work_group
    async with needs.records.transaction() as transaction:
        existing(await groups.load(transaction, call, work_group), work_group)
        statements, token = await page(
            needs.pages,
            f"ListPreparedStatements/{work_group}",
            request.next_token,
            request.max_results or PAGE_SIZE,
            lambda after: store.scan(transaction, call, work_group, after),
            lambda statement: statement.statement_name or "",
        )
    summaries = [
        PreparedStatementSummary(
            statement_name=statement.statement_name,
            last_modified_time=statement.last_modified_time,
        )
        for statement in statements
    ]
    return ListPreparedStatementsOutput(prepared_statements=summaries, next_token=token)


async def update_prepared_statement(
    needs: Needs, call: Call, request: UpdatePreparedStatementInput
) -> UpdatePreparedStatementOutput:
    """Replace a statement's text.

    Raises:
        ResourceNotFound: the work group has none of that name.
    """
    name, work_group = request.statement_name, request.work_group
    async with needs.records.transaction() as transaction:
        found = await store.load(transaction, call, work_group, name)
        statement = _existing(found, work_group, name)
        changed = msgspec.structs.replace(
            statement,
            query_statement=request.query_statement,
            description=statement.description
            if request.description is None
            else request.description,
            last_modified_time=needs.clock.now_ms() / 1000,
        )
        store.save(transaction, call, changed)
    return UpdatePreparedStatementOutput()


async def delete_prepared_statement(
    needs: Needs, call: Call, request: DeletePreparedStatementInput
) -> DeletePreparedStatementOutput:
    """Remove a prepared statement.

    Raises:
        ResourceNotFound: the work group has none of that name.
    """
    name, work_group = request.statement_name, request.work_group
    async with needs.records.transaction() as transaction:
        _existing(await store.load(transaction, call, work_group, name), work_group, name)
        store.delete(transaction, call, work_group, name)
    return DeletePreparedStatementOutput()


def _existing(statement: PreparedStatement | None, work_group: str, name: str) -> PreparedStatement:
    if statement is None:
        raise ResourceNotFound(_absence(work_group, name), name)
    return statement


def _absence(work_group: str, name: str) -> str:
    return f"PreparedStatement {name} was not found in workGroup {work_group}"
