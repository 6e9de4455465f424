"""One query from its text to its end: what each kind of statement does, and leaves behind."""

import contextlib

from millpond.engines.sql.interface import TextOutput
from millpond.kernel.errors import Conflict
from millpond.services.athena.ddl.outcome import Outcome as Lines
from millpond.services.athena.ddl.run import run as run_ddl
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.model.executions import ResultColumn
from millpond.services.athena.model.types import result_column
from millpond.services.athena.running import views, writing
from millpond.services.athena.running.results import CSV
from millpond.services.athena.running.state import Run
from millpond.services.athena.shapes import PreparedStatement
from millpond.services.athena.statements import model
from millpond.services.athena.statements.parse import parse
from millpond.services.athena.statements.refusal import StatementRefused
from millpond.services.athena.store import prepared_statements


async def run(running: Run) -> None:
    """Run the execution's statement; `running.execution` says in the end what came of it.

    Raises:
        QueryFailed, QueryRefused, ScanLimitExceeded, EngineError: why there is no answer.
    """
    await _run_statement(running, parsed(running.execution.query))


def parsed(text: str) -> model.Statement:
    """The statement in a text.

    Raises:
        QueryFailed: it is none.
    """
    try:
        return parse(text)
    except StatementRefused as refused:
        raise QueryFailed(str(refused)) from refused


async def _run_statement(running: Run, statement: model.Statement) -> None:
    match statement:
        case model.Query():
            await _select(running, statement.sql)
        case model.Explain():
            text = await running.needs.sql.explain(running.query(statement.sql), running.lake())
            await _put_lines(running, Lines(["Query Plan"], text.rstrip("\n").split("\n")))
        case model.CreateTableAs():
            await writing.create_table_as(running, statement)
        case model.InsertInto():
            await writing.insert_into(running, statement)
        case model.Unload():
            await writing.unload(running, statement)
        case model.CreateView():
            await views.create(running, statement)
            await _put_lines(running, Lines())
        case model.Execute():
            await _execute(running, statement)
        case model.Prepare():
            await _prepare(running, statement)
        case model.Deallocate():
            await _deallocate(running, statement)
        case _:
            await _put_lines(running, await run_ddl(running.catalog, statement))


async def _select(running: Run, sql: str) -> None:
    location = f"{running.execution.location}.csv"
    async with running.needs.sql.run(running.query(sql), running.lake(), TextOutput()) as outcome:
        (file,) = outcome.files
        await running.folder.put_file(location, file.path, file.size_bytes, CSV)
    running.note_outcome(outcome)
    columns = [result_column(column.name, column.type) for column in outcome.columns]
    running.note(output_location=location, columns=columns)


async def _put_lines(running: Run, lines: Lines) -> None:
    location = f"{running.execution.location}.txt"
    text = "".join(f"{line}\n" for line in lines.lines)
    size = await running.folder.put_text(location, text)
    columns = [ResultColumn(name, "string") for name in lines.columns]
    rows = len(lines.lines)
    running.note(output_location=location, columns=columns, output_bytes=size, output_rows=rows)


async def _prepare(running: Run, statement: model.Prepare) -> None:
    execution = running.execution
    await running.needs.sql.check(inner_query(parsed(statement.sql)))
    kept = PreparedStatement(
        statement_name=statement.name,
        query_statement=statement.sql,
        work_group_name=execution.work_group,
        last_modified_time=running.needs.clock.now_ms() / 1000,
    )
    async with running.needs.records.transaction() as transaction:
        prepared_statements.save(transaction, running.catalog.call, kept)
    await _put_lines(running, Lines())


async def _deallocate(running: Run, statement: model.Deallocate) -> None:
    scope = running.catalog.call
    place = (running.execution.work_group, statement.name)
    is_removed = False
    while not is_removed:
        with contextlib.suppress(Conflict):
            async with running.needs.records.transaction() as transaction:
                if await prepared_statements.load(transaction, scope, *place) is None:
                    raise _no_statement(statement.name)
                prepared_statements.delete(transaction, scope, *place)
            is_removed = True
    await _put_lines(running, Lines())


async def _execute(running: Run, statement: model.Execute) -> None:
    execution = running.execution
    async with running.needs.records.transaction() as transaction:
        found = await prepared_statements.load(
            transaction, running.catalog.call, execution.work_group, statement.name
        )
    if found is None:
        raise _no_statement(statement.name)
    inner = parsed(found.query_statement or "")
    inner_query(inner)
    if statement.values:
        running.parameters = statement.values
    await _run_statement(running, inner)


def inner_query(statement: model.Statement) -> str:
    """The query in a statement that can be prepared.

    Raises:
        QueryFailed: it cannot be.
    """
    if isinstance(statement, model.Query | model.CreateTableAs | model.InsertInto | model.Unload):
        return statement.sql
    raise QueryFailed(
        "NOT_SUPPORTED: Only SELECT, INSERT INTO, CREATE TABLE AS and UNLOAD can be prepared."
    )


def _no_statement(name: str) -> QueryFailed:
    return QueryFailed(f"NOT_FOUND: Prepared statement not found: {name}")
