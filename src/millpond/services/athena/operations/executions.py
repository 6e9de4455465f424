"""Query executions: started, looked at, listed, stopped."""

import msgspec

from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.kernel.tasks import Task, schedule
from millpond.services.athena.errors import InvalidRequest
from millpond.services.athena.model import executions as model
from millpond.services.athena.model.work_groups import PRIMARY, check_results
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.catalogs import check_catalog
from millpond.services.athena.operations.paging import page
from millpond.services.athena.operations.work_groups import existing as existing_group
from millpond.services.athena.shapes import (
    BatchGetQueryExecutionInput,
    BatchGetQueryExecutionOutput,
    GetQueryExecutionInput,
    GetQueryExecutionOutput,
    GetQueryRuntimeStatisticsInput,
    GetQueryRuntimeStatisticsOutput,
    ListQueryExecutionsInput,
    ListQueryExecutionsOutput,
    QueryExecution,
    QueryExecutionContext,
    QueryRuntimeStatistics,
    QueryRuntimeStatisticsRows,
    QueryRuntimeStatisticsTimeline,
    StartQueryExecutionInput,
    StartQueryExecutionOutput,
    StopQueryExecutionInput,
    StopQueryExecutionOutput,
    UnprocessedQueryExecutionId,
    WorkGroup,
)
from millpond.services.athena.statements.model import Statement
from millpond.services.athena.statements.parse import parse
from millpond.services.athena.statements.refusal import StatementRefused
from millpond.services.athena.store import executions as store
from millpond.services.athena.store import tokens
from millpond.services.athena.store import work_groups as groups

QUERY_TASK = "query"
CANCELLED_BY_USER = "Query cancelled by user"
PAGE_SIZE = 50


async def start_query_execution(
    needs: Needs, call: Call, request: StartQueryExecutionInput
) -> StartQueryExecutionOutput:
    """Queue a query; the same `ClientRequestToken` gives the execution that it started.

    Raises:
        InvalidRequest: the text is no statement, the work group is not there or is disabled,
            nobody says where results go or that bucket is not there, or an option is not
            supported.
    """
    name = request.work_group or PRIMARY
    token = request.client_request_token
    _refuse_options(request)
    statement = _parsed(request.query_string)
    async with needs.records.transaction() as transaction:
        group = existing_group(await groups.load(transaction, call, name), name)
        if group.state != "ENABLED":
            raise InvalidRequest(f"WorkGroup {name} is disabled.")
        execution = _queued(needs, call, request, statement, group)
        earlier = token and await tokens.load(transaction, call, "execution", token)
        if earlier:
            started = await store.load(transaction, call, earlier)
            if started is None or not model.same_request(started, execution):
                raise InvalidRequest("Idempotent parameters do not match")
            return StartQueryExecutionOutput(query_execution_id=earlier)
        await _check_bucket(needs, call, execution)
        if token:
            tokens.save(transaction, call, "execution", token, execution.id)
        store.add(transaction, call, execution)
        schedule(transaction, _task(call, execution.id))
    return StartQueryExecutionOutput(query_execution_id=execution.id)


async def get_query_execution(
    needs: Needs, call: Call, request: GetQueryExecutionInput
) -> GetQueryExecutionOutput:
    """One execution: its state, its statistics, where its results are.

    Raises:
        InvalidRequest: there is none with that id.
    """
    execution = await load_existing(needs, call, request.query_execution_id)
    described = model.described(execution, needs.clock.now_ms())
    return GetQueryExecutionOutput(query_execution=described)


async def batch_get_query_execution(
    needs: Needs, call: Call, request: BatchGetQueryExecutionInput
) -> BatchGetQueryExecutionOutput:
    """Up to 50 executions; the ids that are not known are told apart."""
    found: list[QueryExecution] = []
    unprocessed: list[UnprocessedQueryExecutionId] = []
    async with needs.records.transaction() as transaction:
        for execution_id in request.query_execution_ids:
            execution = await store.load(transaction, call, execution_id)
            if execution is not None:
                found.append(model.described(execution, needs.clock.now_ms()))
                continue
            unprocessed.append(
                UnprocessedQueryExecutionId(
                    query_execution_id=execution_id,
                    error_code="INVALID_INPUT",
                    error_message=_absence(execution_id),
                )
            )
    return BatchGetQueryExecutionOutput(
        query_executions=found, unprocessed_query_execution_ids=unprocessed
    )


async def list_query_executions(
    needs: Needs, call: Call, request: ListQueryExecutionsInput
) -> ListQueryExecutionsOutput:
    """Ids of the executions of a work group, the newest first.

    Raises:
        InvalidRequest: there is no such work group.
    """
    name = request.work_group or PRIMARY
    async with needs.records.transaction() as transaction:
        existing_group(await groups.load(transaction, call, name), name)
        entries, token = await page(
            needs.pages,
            f"ListQueryExecutions/{name}",
            request.next_token,
            request.max_results or PAGE_SIZE,
            lambda after: store.scan(transaction, call, name, after),
            lambda entry: entry[0],
        )
    ids = [execution_id for _, execution_id in entries]
    return ListQueryExecutionsOutput(query_execution_ids=ids, next_token=token)


async def stop_query_execution(
    needs: Needs, call: Call, request: StopQueryExecutionInput
) -> StopQueryExecutionOutput:
    """Cancel an execution; one that has ended stays as it is.

    Raises:
        InvalidRequest: there is none with that id.
    """
    async with needs.records.transaction() as transaction:
        found = await store.load(transaction, call, request.query_execution_id)
        execution = _existing(found, request.query_execution_id)
        if execution.state == "QUEUED":
            ended = model.cancelled(execution, CANCELLED_BY_USER, needs.clock.now_ms())
            store.save(transaction, call, ended)
        elif execution.state == "RUNNING":
            asked = msgspec.structs.replace(execution, cancel_asked=True)
            store.save(transaction, call, asked)
            schedule(transaction, _task(call, execution.id))
    return StopQueryExecutionOutput()


async def get_query_runtime_statistics(
    needs: Needs, call: Call, request: GetQueryRuntimeStatisticsInput
) -> GetQueryRuntimeStatisticsOutput:
    """How long an execution took, part by part, and how much it read and wrote.

    Raises:
        InvalidRequest: there is none with that id.
    """
    execution = await load_existing(needs, call, request.query_execution_id)
    times = model.Times.of(execution, needs.clock.now_ms())
    statistics = QueryRuntimeStatistics(
        timeline=QueryRuntimeStatisticsTimeline(
            query_queue_time_in_millis=times.queue,
            query_planning_time_in_millis=times.planning,
            engine_execution_time_in_millis=times.engine,
            service_processing_time_in_millis=times.service,
            total_execution_time_in_millis=times.total,
        ),
        rows=QueryRuntimeStatisticsRows(
            input_rows=execution.input_rows,
            input_bytes=execution.scanned_bytes,
            output_rows=execution.output_rows,
            output_bytes=execution.output_bytes,
        ),
    )
    return GetQueryRuntimeStatisticsOutput(query_runtime_statistics=statistics)


async def load_existing(needs: Needs, call: Call, execution_id: str) -> model.Execution:
    """The execution with that id.

    Raises:
        InvalidRequest: there is none.
    """
    async with needs.records.transaction() as transaction:
        return _existing(await store.load(transaction, call, execution_id), execution_id)


def _queued(
    needs: Needs,
    call: Call,
    request: StartQueryExecutionInput,
    statement: Statement,
    group: WorkGroup,
) -> model.Execution:
    results = model.output_of(group, request.result_configuration)
    context = request.query_execution_context or QueryExecutionContext()
    if context.catalog is not None:
        check_catalog(context.catalog)
    assert group.name
    assert group.configuration
    assert results.output_location
    execution_id = needs.ids.uuid()
    location = f"{results.output_location.rstrip('/')}/{execution_id}"
    statement_type, substatement_type = model.type_of(statement)
    return model.Execution(
        id=execution_id,
        query=request.query_string,
        statement_type=statement_type,
        substatement_type=substatement_type,
        work_group=group.name,
        location=location,
        output_location=model.result_location(statement, location),
        caller=call.principal,
        endpoint=call.endpoint,
        submitted_ms=needs.clock.now_ms(),
        database=(context.database or "").lower(),
        catalog=context.catalog or "",
        parameters=request.execution_parameters or [],
        cutoff_bytes=group.configuration.bytes_scanned_cutoff_per_query,
        enforced=group.configuration.enforce_work_group_configuration is True,
        results=results,
    )


async def _check_bucket(needs: Needs, call: Call, execution: model.Execution) -> None:
    bucket = execution.location.removeprefix("s3://").partition("/")[0]
    members = {"Bucket": bucket}
    if execution.results.expected_bucket_owner:
        members["ExpectedBucketOwner"] = execution.results.expected_bucket_owner
    try:
        await needs.call_aws(call, "s3", "HeadBucket", **members)
    except ServiceError as refusal:
        if refusal.status >= 500:
            raise
        raise InvalidRequest(f"Unable to verify/create output bucket {bucket}") from refusal


def _parsed(text: str) -> Statement:
    try:
        return parse(text)
    except StatementRefused as refused:
        raise InvalidRequest(str(refused), "MALFORMED_QUERY") from refused


def _refuse_options(request: StartQueryExecutionInput) -> None:
    if request.engine_configuration is not None:
        raise InvalidRequest("EngineConfiguration is not supported by this service.")
    check_results(request.result_configuration)


def _task(call: Call, execution_id: str) -> Task:
    return Task("athena", QUERY_TASK, execution_id, account=call.account, region=call.region)


def _existing(execution: model.Execution | None, execution_id: str) -> model.Execution:
    if execution is None:
        raise InvalidRequest(_absence(execution_id))
    return execution


def _absence(execution_id: str) -> str:
    return f"QueryExecution {execution_id} was not found"
