"""User-defined functions of Hive: described here, run by nobody."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.errors import AlreadyExists, EntityNotFound, InvalidInput
from millpond.services.glue.model import Database, Function, fold
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import check_catalog, pages_of, require_database
from millpond.services.glue.operations.tables import name_filter

PAGE_SIZE_DEFAULT = 100


def _accept(given: shapes.UserDefinedFunctionInput) -> shapes.UserDefinedFunctionInput:
    if given.function_name is None:
        raise InvalidInput("FunctionName cannot be null.")
    return msgspec.structs.replace(given, function_name=fold(given.function_name))


def _answer(call: Call, database: Database, function: Function) -> shapes.UserDefinedFunction:
    described = function.input
    return shapes.UserDefinedFunction(
        function_name=described.function_name,
        database_name=database.input.name,
        class_name=described.class_name,
        owner_name=described.owner_name,
        function_type=described.function_type,
        owner_type=described.owner_type,
        create_time=function.created_ms / 1000,
        resource_uris=described.resource_uris or [],
        catalog_id=call.account,
    )


async def create_user_defined_function(
    needs: Needs, call: Call, request: shapes.CreateUserDefinedFunctionRequest
) -> shapes.CreateUserDefinedFunctionResponse:
    """Record a function in a database.

    Source: Glue API reference, CreateUserDefinedFunction.
    """
    check_catalog(call, request.catalog_id)
    described = _accept(request.function_input)
    name = described.function_name or ""
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.database_name)
        if await store.load_function(transaction, call, database, name):
            raise AlreadyExists("Function already exists.")
        function = Function(input=described, created_ms=needs.clock.now_ms())
        store.save_function(transaction, call, database, name, function)
    return shapes.CreateUserDefinedFunctionResponse()


async def get_user_defined_function(
    needs: Needs, call: Call, request: shapes.GetUserDefinedFunctionRequest
) -> shapes.GetUserDefinedFunctionResponse:
    """A function of a database.

    Source: Glue API reference, GetUserDefinedFunction.
    """
    check_catalog(call, request.catalog_id)
    name = fold(request.function_name)
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.database_name)
        function = await store.load_function(transaction, call, database, name)
    if function is None:
        raise EntityNotFound(f"Function {name} not found.")
    shown = _answer(call, database, function)
    return shapes.GetUserDefinedFunctionResponse(user_defined_function=shown)


async def get_user_defined_functions(
    needs: Needs, call: Call, request: shapes.GetUserDefinedFunctionsRequest
) -> shapes.GetUserDefinedFunctionsResponse:
    """Functions whose name matches `Pattern`, of one database or of all.

    Source: Glue API reference, GetUserDefinedFunctions.
    """
    check_catalog(call, request.catalog_id)
    matches = name_filter(request.pattern)
    kind = request.function_type
    paging = pages_of(needs, call, request.database_name, request.pattern, kind)
    database_after, _, after = paging.open(request.next_token).partition("\x00")
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.UserDefinedFunction] = []
    async with needs.records.transaction() as transaction:
        if request.database_name is not None:
            databases = [await require_database(transaction, call, request.database_name)]
        else:
            databases = [found async for found in store.scan_databases(transaction, call)]
        for database in databases:
            name = database.input.name
            if name < database_after:
                continue
            begin = after if name == database_after else ""
            async for function in store.scan_functions(transaction, call, database, begin):
                wanted = kind in (None, function.input.function_type)
                if not wanted or not matches(function.input.function_name or ""):
                    continue
                if len(found) == size:
                    last = found[-1]
                    token = paging.seal(f"{last.database_name}\x00{last.function_name}")
                    return shapes.GetUserDefinedFunctionsResponse(
                        user_defined_functions=found, next_token=token
                    )
                found.append(_answer(call, database, function))
    return shapes.GetUserDefinedFunctionsResponse(user_defined_functions=found)


async def update_user_defined_function(
    needs: Needs, call: Call, request: shapes.UpdateUserDefinedFunctionRequest
) -> shapes.UpdateUserDefinedFunctionResponse:
    """Replace a function's description. Source: Glue API reference, UpdateUserDefinedFunction."""
    check_catalog(call, request.catalog_id)
    described = _accept(request.function_input)
    name = fold(request.function_name)
    if described.function_name != name:
        raise InvalidInput("A function cannot be renamed: the two function names differ.")
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.database_name)
        function = await store.load_function(transaction, call, database, name)
        if function is None:
            raise EntityNotFound(f"Function {name} not found.")
        updated = msgspec.structs.replace(function, input=described)
        store.save_function(transaction, call, database, name, updated)
    return shapes.UpdateUserDefinedFunctionResponse()


async def delete_user_defined_function(
    needs: Needs, call: Call, request: shapes.DeleteUserDefinedFunctionRequest
) -> shapes.DeleteUserDefinedFunctionResponse:
    """Remove a function from a database.

    Source: Glue API reference, DeleteUserDefinedFunction.
    """
    check_catalog(call, request.catalog_id)
    name = fold(request.function_name)
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.database_name)
        if await store.load_function(transaction, call, database, name) is None:
            raise EntityNotFound(f"Function {name} not found.")
        store.delete_function(transaction, call, database, name)
    return shapes.DeleteUserDefinedFunctionResponse()
