"""Queries of Logs Insights: started, looked at, listed, stopped."""

import asyncio

import msgspec

from millpond.kernel.call import Call
from millpond.services.logs import shapes
from millpond.services.logs.errors import (
    InvalidParameter,
    LimitExceeded,
    MalformedQuery,
    ResourceNotFound,
)
from millpond.services.logs.insights import store
from millpond.services.logs.insights.compiling.queries import compile_query
from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.model import (
    GROUPS_MAX,
    PAGE_ROWS_MAX,
    QUERIES_AT_ONCE_MAX,
    ROWS_DEFAULT,
    RUNNING,
    Query,
)
from millpond.services.logs.insights.results import read_results
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import name_in, pages_of, require_group

_PAGE_QUERIES_MAX = 1000
_LANGUAGE = "CWLI"
_SECONDS_MAX = 10**11
"""Larger times are milliseconds, as AWS takes them for."""


async def start_query(
    needs: Needs, call: Call, request: shapes.StartQueryRequest
) -> shapes.StartQueryResponse:
    """Begin a query; GetQueryResults tells how far it is.

    Raises:
        MalformedQuery: the text is no query.
        InvalidParameter: the groups or the times are wrong, or the language is not implemented.
        ResourceNotFound: a group is not there.
        LimitExceeded: 30 queries are under way.

    Source: CloudWatch Logs API reference, StartQuery.
    """
    _check_language(request.query_language)
    groups = _groups_of(call, request)
    start_s, end_s = _seconds(request.start_time), _seconds(request.end_time)
    if start_s > end_s:
        raise InvalidParameter("End time should not be less than start time.")
    try:
        compile_query(request.query_string, limit=1, now_ms=0, test="true")
    except Malformed as error:
        raise MalformedQuery(error.message, error.start, error.end) from None
    async with needs.records.transaction() as transaction:
        for name in groups:
            await require_group(transaction, call, name)
        if await store.count_open(transaction, call) >= QUERIES_AT_ONCE_MAX:
            raise LimitExceeded(
                f"LimitExceededException: Max concurrent queries limit of {QUERIES_AT_ONCE_MAX}"
                " exceeded."
            )
        query = Query(
            id=needs.ids.uuid(),
            text=request.query_string,
            groups=groups,
            start_s=start_s,
            end_s=end_s,
            limit=request.limit or ROWS_DEFAULT,
            created_ms=needs.clock.now_ms(),
            user=call.principal.arn,
        )
        store.add_query(transaction, call, query)
    return shapes.StartQueryResponse(query_id=query.id)


def _check_language(language: str | None) -> None:
    if language not in (None, _LANGUAGE):
        raise InvalidParameter(f"queryLanguage {language} is not implemented.")


def _seconds(time: int) -> int:
    return time if time < _SECONDS_MAX else time // 1000


def _groups_of(call: Call, request: shapes.StartQueryRequest) -> list[str]:
    """The names of the groups that a request names in one of the three ways."""
    ways = [
        [request.log_group_name] if request.log_group_name else None,
        request.log_group_names,
        request.log_group_identifiers,
    ]
    given = [way for way in ways if way]
    if len(given) != 1:
        raise InvalidParameter(
            "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified."
        )
    if len(given[0]) > GROUPS_MAX:
        raise InvalidParameter(f"A query can have up to {GROUPS_MAX} log groups.")
    return list(dict.fromkeys(name_in(call, one) for one in given[0]))


async def get_query_results(
    needs: Needs, call: Call, request: shapes.GetQueryResultsRequest
) -> shapes.GetQueryResultsResponse:
    """How far a query is and, once it is complete, its rows in pages of up to 10,000.

    Raises:
        ResourceNotFound: there is no such query, or its results have gone after seven days.

    Source: CloudWatch Logs API reference, GetQueryResults.
    """
    query = await _load(needs, call, request.query_id)
    paging = pages_of(needs, call, query.id)
    start = int(paging.open(request.next_token) or 0)
    count = request.max_items or PAGE_ROWS_MAX
    rows: list[list[shapes.ResultField]] = []
    if query.results and query.status == "Complete":
        path = needs.insights.path(query.results)
        try:
            found = await asyncio.to_thread(read_results, path, start, count)
        except FileNotFoundError:
            raise _no_query() from None
        rows = [[shapes.ResultField(field=f, value=v) for f, v in row] for row in found]
    more = start + len(rows) < query.rows and bool(rows)
    return shapes.GetQueryResultsResponse(
        query_language=_LANGUAGE,
        results=rows,
        statistics=shapes.QueryStatistics(
            records_matched=float(query.matched),
            records_scanned=float(query.scanned),
            estimated_records_skipped=0.0,
            bytes_scanned=float(query.scanned_bytes),
            estimated_bytes_skipped=0.0,
            log_groups_scanned=float(len(query.groups)),
            result_count=float(query.rows),
        ),
        status=query.status,
        next_token=paging.seal(str(start + len(rows))) if more else None,
    )


async def stop_query(
    needs: Needs, call: Call, request: shapes.StopQueryRequest
) -> shapes.StopQueryResponse:
    """Cancel a query that has not ended.

    Raises:
        ResourceNotFound: there is no such query.
        InvalidParameter: it has ended.

    Source: CloudWatch Logs API reference, StopQuery.
    """
    async with needs.records.transaction() as transaction:
        query = await store.load_query(transaction, call, request.query_id)
        if query is None:
            raise _no_query()
        if query.status not in RUNNING:
            raise InvalidParameter(f"The query {query.id} is not running: {query.status}")
        store.save_query(transaction, call, msgspec.structs.replace(query, cancel_asked=True))
        store.wake_query(transaction, call, query.id)
    return shapes.StopQueryResponse(success=True)


async def describe_queries(
    needs: Needs, call: Call, request: shapes.DescribeQueriesRequest
) -> shapes.DescribeQueriesResponse:
    """Queries from the newest on: of a group, with a status.

    Source: CloudWatch Logs API reference, DescribeQueries.
    """
    group, status, language = request.log_group_name, request.status, request.query_language
    paging = pages_of(needs, call, group, status, language)
    after = paging.open(request.next_token)
    size = request.max_results or _PAGE_QUERIES_MAX
    found: list[shapes.QueryInfo] = []
    if language not in (None, _LANGUAGE):
        return shapes.DescribeQueriesResponse(queries=found)
    async with needs.records.transaction() as transaction:
        async for place, query in store.scan_queries(transaction, call, after):
            if (group is None or group in query.groups) and status in (None, query.status):
                if len(found) == size:
                    return shapes.DescribeQueriesResponse(
                        queries=found, next_token=paging.seal(after)
                    )
                found.append(_told(needs, query))
            after = place
    return shapes.DescribeQueriesResponse(queries=found)


def _told(needs: Needs, query: Query) -> shapes.QueryInfo:
    ended_ms = query.ended_ms or needs.clock.now_ms()
    return shapes.QueryInfo(
        query_language=_LANGUAGE,
        query_id=query.id,
        query_string=query.text,
        status=query.status,
        create_time=query.created_ms,
        log_group_name=query.groups[0],
        query_duration=ended_ms - query.created_ms,
        bytes_scanned=float(query.scanned_bytes),
        user_identity=query.user,
    )


async def _load(needs: Needs, call: Call, query_id: str) -> Query:
    async with needs.records.transaction() as transaction:
        query = await store.load_query(transaction, call, query_id)
    if query is None:
        raise _no_query()
    return query


def _no_query() -> ResourceNotFound:
    return ResourceNotFound("Query with the specified id does not exist.")
