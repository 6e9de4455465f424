"""Query executions: what is kept of one, its states, and where its results go.

    QUEUED → RUNNING → SUCCEEDED | FAILED | CANCELLED

Source: Athena API reference, QueryExecution, QueryExecutionStatus, QueryExecutionStatistics.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from millpond.kernel.call import Principal
from millpond.services.athena.errors import InvalidRequest
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.model.work_groups import ENGINE_VERSION
from millpond.services.athena.shapes import (
    AthenaError,
    EngineVersion,
    QueryExecution,
    QueryExecutionContext,
    QueryExecutionStatistics,
    QueryExecutionStatus,
    ResultConfiguration,
    ResultReuseInformation,
    WorkGroup,
)
from millpond.services.athena.statements import model as statements

State = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
FINAL: tuple[State, ...] = ("SUCCEEDED", "FAILED", "CANCELLED")

_TYPES: dict[type[statements.Statement], tuple[str, str]] = {
    statements.Query: ("DML", "SELECT"),
    statements.InsertInto: ("DML", "INSERT"),
    statements.Unload: ("DML", "UNLOAD"),
    statements.Execute: ("DML", "EXECUTE"),
    statements.CreateTableAs: ("DDL", "CREATE_TABLE_AS_SELECT"),
    statements.CreateTable: ("DDL", "CREATE_TABLE"),
    statements.CreateDatabase: ("DDL", "CREATE_DATABASE"),
    statements.CreateView: ("DDL", "CREATE_VIEW"),
    statements.DropDatabase: ("DDL", "DROP_DATABASE"),
    statements.DropTable: ("DDL", "DROP_TABLE"),
    statements.DropView: ("DDL", "DROP_VIEW"),
    statements.AddPartitions: ("DDL", "ALTER_TABLE_ADD_PARTITION"),
    statements.DropPartitions: ("DDL", "ALTER_TABLE_DROP_PARTITION"),
    statements.AddColumns: ("DDL", "ALTER_TABLE_ADD_COLUMNS"),
    statements.ReplaceColumns: ("DDL", "ALTER_TABLE_REPLACE_COLUMNS"),
    statements.SetLocation: ("DDL", "ALTER_TABLE_SET_LOCATION"),
    statements.SetProperties: ("DDL", "ALTER_TABLE_SET_TBLPROPERTIES"),
    statements.RepairTable: ("DDL", "MSCK_REPAIR_TABLE"),
    statements.Prepare: ("UTILITY", "PREPARE"),
    statements.Deallocate: ("UTILITY", "DEALLOCATE"),
    statements.Explain: ("UTILITY", "EXPLAIN"),
    statements.Describe: ("UTILITY", "DESCRIBE_TABLE"),
    statements.DescribeView: ("UTILITY", "DESCRIBE_VIEW"),
    statements.ShowDatabases: ("UTILITY", "SHOW_DATABASES"),
    statements.ShowTables: ("UTILITY", "SHOW_TABLES"),
    statements.ShowViews: ("UTILITY", "SHOW_VIEWS"),
    statements.ShowColumns: ("UTILITY", "SHOW_COLUMNS"),
    statements.ShowPartitions: ("UTILITY", "SHOW_PARTITIONS"),
    statements.ShowCreateTable: ("UTILITY", "SHOW_CREATE_TABLE"),
    statements.ShowCreateView: ("UTILITY", "SHOW_CREATE_VIEW"),
    statements.ShowTableProperties: ("UTILITY", "SHOW_TBLPROPERTIES"),
}


_ASKED = ("query", "work_group", "database", "catalog", "parameters", "results")


class ResultColumn(msgspec.Struct, frozen=True):
    """A column of a result; `type` is Athena's name of it, such as `decimal` or `array`."""

    name: str
    type: str
    precision: int = 0
    scale: int = 0


class Execution(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One execution as it is kept. Times are epoch milliseconds, sizes bytes.

    `location` is the S3 location without the ending that the kind of result gives it; `enforced`
    tells that the work group fixed it. `caller` is whom the query runs as. `written` are the S3
    locations of data files that the query writes, noted before the first is put, and `created`
    the database and name of a table that it makes: what did not come to a good end is removed by
    them. While that goes on, `ending` is the state that follows.
    """

    id: str
    query: str
    statement_type: str
    substatement_type: str
    work_group: str
    location: str
    caller: Principal
    endpoint: str
    submitted_ms: int
    database: str = ""
    catalog: str = ""
    parameters: list[str] = msgspec.field(default_factory=list)
    cutoff_bytes: int | None = None
    enforced: bool = False
    results: ResultConfiguration = msgspec.field(default_factory=ResultConfiguration)
    state: State = "QUEUED"
    ending: State | None = None
    cancel_asked: bool = False
    reason: str = ""
    error_category: int = 0
    error_type: int = 0
    started_ms: int | None = None
    planned_ms: int | None = None
    executed_ms: int | None = None
    completed_ms: int | None = None
    scanned_bytes: int = 0
    input_rows: int = 0
    output_rows: int = 0
    output_bytes: int = 0
    output_location: str = ""
    manifest_location: str = ""
    written: Sequence[str] = ()
    created: tuple[str, str] | None = None
    columns: Sequence[ResultColumn] = ()
    update_count: int | None = None


def type_of(statement: statements.Statement) -> tuple[str, str]:
    """Athena's StatementType and SubstatementType."""
    return _TYPES[type(statement)]


def result_location(statement: statements.Statement, location: str) -> str:
    """Where the result of a statement goes, as far as its text tells."""
    match statement:
        case statements.Query():
            return f"{location}.csv"
        case statements.CreateTableAs():
            home, _, name = location.rpartition("/")
            return f"{home}/tables/{name}"
        case statements.InsertInto() | statements.Unload() | statements.Execute():
            return location
    return f"{location}.txt"


def same_request(one: Execution, other: Execution) -> bool:
    """Whether two executions were asked for with the same words."""
    return all(getattr(one, name) == getattr(other, name) for name in _ASKED)


def output_of(group: WorkGroup, asked: ResultConfiguration | None) -> ResultConfiguration:
    """Where and how results are kept: the work group's word, if it enforces it, or the request's.

    Raises:
        InvalidRequest: nobody says where, or it is no S3 folder.
    """
    assert group.configuration
    of_group = group.configuration.result_configuration or ResultConfiguration()
    if group.configuration.enforce_work_group_configuration:
        chosen = of_group
    else:
        chosen = ResultConfiguration(
            output_location=(asked and asked.output_location) or of_group.output_location,
            encryption_configuration=(asked and asked.encryption_configuration)
            or of_group.encryption_configuration,
            expected_bucket_owner=(asked and asked.expected_bucket_owner)
            or of_group.expected_bucket_owner,
            acl_configuration=(asked and asked.acl_configuration) or of_group.acl_configuration,
        )
    if not chosen.output_location:
        raise InvalidRequest(
            "No output location provided. An output location is required either through the "
            "Workgroup result configuration setting or as an API input."
        )
    bucket = chosen.output_location.removeprefix("s3://").partition("/")[0]
    if not chosen.output_location.startswith("s3://") or not bucket:
        raise InvalidRequest("outputLocation is not a valid S3 path.")
    return chosen


def failed(execution: Execution, failure: QueryFailed, now_ms: int) -> Execution:
    return msgspec.structs.replace(
        execution,
        state="FAILED",
        reason=failure.message,
        error_category=failure.category,
        error_type=failure.error_type,
        completed_ms=now_ms,
    )


def cancelled(execution: Execution, reason: str, now_ms: int) -> Execution:
    return msgspec.structs.replace(execution, state="CANCELLED", reason=reason, completed_ms=now_ms)


def described(execution: Execution, now_ms: int) -> QueryExecution:
    """What GetQueryExecution says of it."""
    reason = execution.reason or None
    error = None
    if execution.state == "FAILED":
        error = AthenaError(
            error_category=execution.error_category,
            error_type=execution.error_type,
            retryable=execution.error_category == 1,
            error_message=execution.reason,
        )
    completed = execution.completed_ms
    results = msgspec.structs.replace(
        execution.results, output_location=execution.output_location or execution.location
    )
    context = QueryExecutionContext(
        database=execution.database or None, catalog=execution.catalog or None
    )
    return QueryExecution(
        query_execution_id=execution.id,
        query=execution.query,
        statement_type=execution.statement_type,
        substatement_type=execution.substatement_type,
        result_configuration=results,
        query_execution_context=context,
        work_group=execution.work_group,
        engine_version=EngineVersion(
            selected_engine_version="AUTO", effective_engine_version=ENGINE_VERSION
        ),
        execution_parameters=list(execution.parameters) or None,
        status=QueryExecutionStatus(
            state=execution.state,
            state_change_reason=reason,
            submission_date_time=execution.submitted_ms / 1000,
            completion_date_time=None if completed is None else completed / 1000,
            athena_error=error,
        ),
        statistics=_statistics(execution, now_ms),
    )


def _statistics(execution: Execution, now_ms: int) -> QueryExecutionStatistics:
    times = Times.of(execution, now_ms)
    return QueryExecutionStatistics(
        engine_execution_time_in_millis=times.engine,
        data_scanned_in_bytes=execution.scanned_bytes,
        data_manifest_location=execution.manifest_location or None,
        total_execution_time_in_millis=times.total,
        query_queue_time_in_millis=times.queue,
        query_planning_time_in_millis=times.planning,
        service_processing_time_in_millis=times.service,
        result_reuse_information=ResultReuseInformation(reused_previous_result=False),
    )


class Times(msgspec.Struct, frozen=True):
    """How long an execution took, part by part, in milliseconds."""

    queue: int
    planning: int
    engine: int
    service: int
    total: int

    @classmethod
    def of(cls, execution: Execution, now_ms: int) -> "Times":
        end = now_ms if execution.completed_ms is None else execution.completed_ms
        started = end if execution.started_ms is None else execution.started_ms
        planned = started if execution.planned_ms is None else execution.planned_ms
        executed = end if execution.executed_ms is None else execution.executed_ms
        return cls(
            queue=max(started - execution.submitted_ms, 0),
            planning=max(planned - started, 0),
            engine=max(executed - started, 0),
            service=max(end - executed, 0),
            total=max(end - execution.submitted_ms, 0),
        )
