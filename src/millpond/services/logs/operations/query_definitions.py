"""Saved queries of Logs Insights."""

from millpond.kernel.call import Call
from millpond.services.logs import shapes
from millpond.services.logs.errors import InvalidParameter, LimitExceeded, ResourceNotFound
from millpond.services.logs.insights import store
from millpond.services.logs.insights.model import DEFINITIONS_MAX, Definition
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import pages_of

_LANGUAGE = "CWLI"
_PAGE_MAX = 1000


async def put_query_definition(
    needs: Needs, call: Call, request: shapes.PutQueryDefinitionRequest
) -> shapes.PutQueryDefinitionResponse:
    """Save a query, or put another in the place of a saved one. Its text is not looked at.

    Raises:
        ResourceNotFound: there is none with that id.
        LimitExceeded: 1,000 are saved.

    Source: CloudWatch Logs API reference, PutQueryDefinition.
    """
    if request.query_language not in (None, _LANGUAGE):
        raise InvalidParameter(f"queryLanguage {request.query_language} is not implemented.")
    definition_id = request.query_definition_id
    token = request.client_token
    async with needs.records.transaction() as transaction:
        if definition_id is not None:
            if await store.load_definition(transaction, call, definition_id) is None:
                raise _no_definition()
        else:
            kept = [one async for one in store.scan_definitions(transaction, call)]
            earlier = [one for one in kept if token and one.token == token]
            if earlier:
                return shapes.PutQueryDefinitionResponse(query_definition_id=earlier[0].id)
            if len(kept) >= DEFINITIONS_MAX:
                raise LimitExceeded(f"There can be up to {DEFINITIONS_MAX} query definitions.")
            definition_id = needs.ids.uuid()
        definition = Definition(
            id=definition_id,
            name=request.name,
            text=request.query_string,
            modified_ms=needs.clock.now_ms(),
            groups=request.log_group_names or [],
            parameters=request.parameters or [],
            token=token or "",
        )
        store.save_definition(transaction, call, definition)
    return shapes.PutQueryDefinitionResponse(query_definition_id=definition_id)


async def describe_query_definitions(
    needs: Needs, call: Call, request: shapes.DescribeQueryDefinitionsRequest
) -> shapes.DescribeQueryDefinitionsResponse:
    """Saved queries by name, those whose names begin so.

    Source: CloudWatch Logs API reference, DescribeQueryDefinitions.
    """
    prefix = request.query_definition_name_prefix or ""
    paging = pages_of(needs, call, prefix, request.query_language)
    after = paging.open(request.next_token)
    size = request.max_results or _PAGE_MAX
    if request.query_language not in (None, _LANGUAGE):
        return shapes.DescribeQueryDefinitionsResponse(query_definitions=[])
    async with needs.records.transaction() as transaction:
        kept = [
            one
            async for one in store.scan_definitions(transaction, call)
            if one.name.startswith(prefix)
        ]
    kept = sorted(kept, key=_place)
    left = [one for one in kept if _place(one) > after]
    token = paging.seal(_place(left[size - 1])) if len(left) > size else None
    return shapes.DescribeQueryDefinitionsResponse(
        query_definitions=[_told(one) for one in left[:size]], next_token=token
    )


def _place(definition: Definition) -> str:
    return f"{definition.name}\n{definition.id}"


def _told(definition: Definition) -> shapes.QueryDefinition:
    return shapes.QueryDefinition(
        query_language=_LANGUAGE,
        query_definition_id=definition.id,
        name=definition.name,
        query_string=definition.text,
        last_modified=definition.modified_ms,
        log_group_names=definition.groups,
        parameters=definition.parameters or None,
    )


async def delete_query_definition(
    needs: Needs, call: Call, request: shapes.DeleteQueryDefinitionRequest
) -> shapes.DeleteQueryDefinitionResponse:
    """Forget a saved query.

    Raises:
        ResourceNotFound: there is none with that id.

    Source: CloudWatch Logs API reference, DeleteQueryDefinition.
    """
    async with needs.records.transaction() as transaction:
        if await store.load_definition(transaction, call, request.query_definition_id) is None:
            raise _no_definition()
        store.delete_definition(transaction, call, request.query_definition_id)
    return shapes.DeleteQueryDefinitionResponse(success=True)


def _no_definition() -> ResourceNotFound:
    return ResourceNotFound("Query definition with the specified id does not exist.")
