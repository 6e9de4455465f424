"""GetQueryResults: the rows of a result, read from its file in S3."""

from typing import Any

from millpond.kernel.body import Body
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.athena.errors import InvalidRequest
from millpond.services.athena.model.executions import Execution, ResultColumn
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.executions import load_existing
from millpond.services.athena.operations.paging import open_token
from millpond.services.athena.results import ResultPage, read_csv, read_lines
from millpond.services.athena.shapes import (
    ColumnInfo,
    Datum,
    GetQueryResultsInput,
    GetQueryResultsOutput,
    ResultSet,
    ResultSetMetadata,
    Row,
)

PAGE_SIZE = 1000
_CASE_SENSITIVE = ("varchar", "char", "string", "json")


async def get_query_results(
    needs: Needs, call: Call, request: GetQueryResultsInput
) -> GetQueryResultsOutput:
    """A page of rows as text, with the types of their columns; a SELECT's first row is its header.

    Raises:
        InvalidRequest: there is no such execution, it has not succeeded, the token is not valid,
            or the result file is gone.
    """
    if request.query_result_type == "DATA_MANIFEST":
        raise InvalidRequest("QueryResultType DATA_MANIFEST is not supported by this service.")
    execution = await load_existing(needs, call, request.query_execution_id)
    if execution.state in ("QUEUED", "RUNNING"):
        raise InvalidRequest(
            f"Query has not yet finished. Current state: {execution.state}", "QUERY_NOT_FINISHED"
        )
    if execution.state != "SUCCEEDED":
        raise InvalidRequest(
            f"Query did not finish successfully. Final query state: {execution.state}"
        )
    question = f"GetQueryResults/{execution.id}"
    start = int(open_token(needs.pages, question, request.next_token) or 0)
    read = await _read(needs, call, execution, start, request.max_results or PAGE_SIZE)
    return GetQueryResultsOutput(
        update_count=execution.update_count or 0,
        result_set=ResultSet(
            rows=[
                Row(data=[Datum(var_char_value=value) for value in values]) for values in read.rows
            ],
            result_set_metadata=ResultSetMetadata(
                column_info=[_describe(column) for column in execution.columns]
            ),
        ),
        next_token=None
        if read.next_byte is None
        else needs.pages.seal(question, str(read.next_byte)),
    )


async def _read(
    needs: Needs, call: Call, execution: Execution, start: int, size: int
) -> ResultPage:
    is_csv = execution.output_location.endswith(".csv")
    if not is_csv and not execution.output_location.endswith(".txt"):
        return ResultPage([], None)
    bucket, _, key = execution.output_location.removeprefix("s3://").partition("/")
    members: dict[str, Any] = {"Bucket": bucket, "Key": key}
    if start:
        members["Range"] = f"bytes={start}-"
    try:
        found = await needs.call_aws(call, "s3", "GetObject", **members)
    except ServiceError as refusal:
        if refusal.code == "InvalidRange" or (not start and execution.output_bytes == 0):
            return ResultPage([], None)
        raise InvalidRequest(
            f"Could not find results at {execution.output_location}: {refusal.message}"
        ) from refusal
    body: Body = found["Body"]
    read = read_csv if is_csv else read_lines
    return await read(body.__aiter__(), start, size)


def _describe(column: ResultColumn) -> ColumnInfo:
    return ColumnInfo(
        catalog_name="hive",
        schema_name="",
        table_name="",
        name=column.name,
        label=column.name,
        type=column.type,
        precision=column.precision,
        scale=column.scale,
        nullable="UNKNOWN",
        case_sensitive=column.type in _CASE_SENSITIVE,
    )
