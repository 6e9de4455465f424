"""Named queries: SQL kept under a name, for people to find again."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.athena.errors import InvalidRequest
from millpond.services.athena.model import work_groups as model
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.paging import page
from millpond.services.athena.operations.work_groups import existing
from millpond.services.athena.shapes import (
    BatchGetNamedQueryInput,
    BatchGetNamedQueryOutput,
    CreateNamedQueryInput,
    CreateNamedQueryOutput,
    DeleteNamedQueryInput,
    DeleteNamedQueryOutput,
    GetNamedQueryInput,
    GetNamedQueryOutput,
    ListNamedQueriesInput,
    ListNamedQueriesOutput,
    NamedQuery,
    UnprocessedNamedQueryId,
    UpdateNamedQueryInput,
    UpdateNamedQueryOutput,
)
from millpond.services.athena.store import named_queries as store
from millpond.services.athena.store import tokens
from millpond.services.athena.store import work_groups as groups

PAGE_SIZE = 50


async def create_named_query(
    needs: Needs, call: Call, request: CreateNamedQueryInput
) -> CreateNamedQueryOutput:
    """Keep a query; the same `ClientRequestToken` gives the query that it made.

    Raises:
        InvalidRequest: there is no such work group, or the token was used for another query.
    """
    work_group = request.work_group or model.PRIMARY
    async with needs.records.transaction() as transaction:
        existing(await groups.load(transaction, call, work_group), work_group)
        query = NamedQuery(
            name=request.name,
            description=request.description,
            database=request.database,
            query_string=request.query_string,
            named_query_id=needs.ids.uuid(),
            work_group=work_group,
        )
        if request.client_request_token:
            earlier = await tokens.load(transaction, call, "named", request.client_request_token)
            if earlier is not None:
                made = await store.load(transaction, call, earlier)
                return CreateNamedQueryOutput(named_query_id=_same(made, query))
            assert query.named_query_id
            tokens.save(
                transaction, call, "named", request.client_request_token, query.named_query_id
            )
        store.save(transaction, call, query)
    return CreateNamedQueryOutput(named_query_id=query.named_query_id)


async def get_named_query(
    needs: Needs, call: Call, request: GetNamedQueryInput
) -> GetNamedQueryOutput:
    """One named query.

    Raises:
        InvalidRequest: there is none with that id.
    """
    async with needs.records.transaction() as transaction:
        query = await store.load(transaction, call, request.named_query_id)
    return GetNamedQueryOutput(named_query=_existing(query, request.named_query_id))


async def batch_get_named_query(
    needs: Needs, call: Call, request: BatchGetNamedQueryInput
) -> BatchGetNamedQueryOutput:
    """Up to 50 named queries; the ids that are not known are told apart."""
    found: list[NamedQuery] = []
    unprocessed: list[UnprocessedNamedQueryId] = []
    async with needs.records.transaction() as transaction:
        for query_id in request.named_query_ids:
            query = await store.load(transaction, call, query_id)
            if query is not None:
                found.append(query)
                continue
            unprocessed.append(
                UnprocessedNamedQueryId(
                    named_query_id=query_id,
                    error_code="INVALID_INPUT",
                    error_message=f"NamedQuery {query_id} was not found",
                )
            )
    return BatchGetNamedQueryOutput(named_queries=found, unprocessed_named_query_ids=unprocessed)


async def list_named_queries(
    needs: Needs, call: Call, request: ListNamedQueriesInput
) -> ListNamedQueriesOutput:
    """Ids of the named queries of a work group.

    Raises:
        InvalidRequest: there is no such work group.
    """
    work_group = request.work_group or model.PRIMARY
    async with needs.records.transaction() as transaction:
        existing(await groups.load(transaction, call, work_group), work_group)
        ids, token = await page(
            needs.pages,
            f"ListNamedQueries/{work_group}",
            request.next_token,
            request.max_results or PAGE_SIZE,
            lambda after: store.scan_ids(transaction, call, work_group, after),
            lambda query_id: query_id,
        )
    return ListNamedQueriesOutput(named_query_ids=ids, next_token=token)


async def update_named_query(
    needs: Needs, call: Call, request: UpdateNamedQueryInput
) -> UpdateNamedQueryOutput:
    """Change a query's name, text or description.

    Raises:
        InvalidRequest: there is none with that id.
    """
    async with needs.records.transaction() as transaction:
        found = await store.load(transaction, call, request.named_query_id)
        query = _existing(found, request.named_query_id)
        changed = msgspec.structs.replace(
            query,
            name=request.name,
            query_string=request.query_string,
            description=query.description if request.description is None else request.description,
        )
        store.save(transaction, call, changed)
    return UpdateNamedQueryOutput()


async def delete_named_query(
    needs: Needs, call: Call, request: DeleteNamedQueryInput
) -> DeleteNamedQueryOutput:
    """Remove a named query.

    Raises:
        InvalidRequest: there is none with that id.
    """
    async with needs.records.transaction() as transaction:
        query = await store.load(transaction, call, request.named_query_id)
        store.delete(transaction, call, _existing(query, request.named_query_id))
    return DeleteNamedQueryOutput()


def _existing(query: NamedQuery | None, query_id: str) -> NamedQuery:
    if query is None:
        raise InvalidRequest(f"NamedQuery {query_id} was not found")
    return query


def _same(made: NamedQuery | None, asked: NamedQuery) -> str:
    """The id of the query an earlier request with this token made, where it asked the same."""
    if made is None or msgspec.structs.replace(asked, named_query_id=made.named_query_id) != made:
        raise InvalidRequest("Idempotent parameters do not match")
    assert made.named_query_id
    return made.named_query_id
