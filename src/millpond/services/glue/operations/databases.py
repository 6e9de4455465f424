"""Databases."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.errors import AlreadyExists, InvalidInput, not_implemented
from millpond.services.glue.model import Database, fold, merge_tags
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import check_catalog, pages_of, require_database

PAGE_SIZE_DEFAULT = 100

_EVERYBODY = [
    shapes.PrincipalPermissions(
        principal=shapes.DataLakePrincipal(data_lake_principal_identifier="IAM_ALLOWED_PRINCIPALS"),
        permissions=["ALL"],
    )
]


def _accept(given: shapes.DatabaseInput) -> shapes.DatabaseInput:
    """What is kept of a description: the name folded, permissions as without Lake Formation."""
    not_implemented(("FederatedDatabase", given.federated_database))
    permissions = given.create_table_default_permissions
    return msgspec.structs.replace(
        given,
        name=fold(given.name),
        create_table_default_permissions=_EVERYBODY if permissions is None else permissions,
    )


def _answer(call: Call, database: Database) -> shapes.Database:
    described = database.input
    return shapes.Database(
        name=described.name,
        description=described.description,
        location_uri=described.location_uri,
        parameters=described.parameters,
        create_time=database.created_ms / 1000,
        create_table_default_permissions=described.create_table_default_permissions,
        target_database=described.target_database,
        catalog_id=call.account,
    )


async def create_database(
    needs: Needs, call: Call, request: shapes.CreateDatabaseRequest
) -> shapes.CreateDatabaseResponse:
    """Make a database; its name is folded to lower case.

    Raises:
        AlreadyExists: the name is taken.

    Source: Glue API reference, CreateDatabase.
    """
    check_catalog(call, request.catalog_id)
    described = _accept(request.database_input)
    async with needs.records.transaction() as transaction:
        if await store.load_database(transaction, call, described.name):
            raise AlreadyExists("Database already exists.")
        now_ms = needs.clock.now_ms()
        database = Database(id=needs.ids.hex(8), input=described, created_ms=now_ms)
        store.save_database(transaction, call, database)
        tags = merge_tags({}, request.tags or {})
        store.save_tags(transaction, call, f"database/{described.name}", tags)
    return shapes.CreateDatabaseResponse()


async def get_database(
    needs: Needs, call: Call, request: shapes.GetDatabaseRequest
) -> shapes.GetDatabaseResponse:
    """A database.

    Source: Glue API reference, GetDatabase.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.name)
    return shapes.GetDatabaseResponse(database=_answer(call, database))


async def get_databases(
    needs: Needs, call: Call, request: shapes.GetDatabasesRequest
) -> shapes.GetDatabasesResponse:
    """Databases by name. None are shared with or federated to this catalog.

    Source: Glue API reference, GetDatabases.
    """
    check_catalog(call, request.catalog_id)
    if request.resource_share_type in ("FOREIGN", "FEDERATED"):
        return shapes.GetDatabasesResponse(database_list=[])
    paging = pages_of(needs, call)
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.Database] = []
    async with needs.records.transaction() as transaction:
        async for database in store.scan_databases(transaction, call, after):
            if len(found) == size:
                token = paging.seal(found[-1].name or "")
                return shapes.GetDatabasesResponse(database_list=found, next_token=token)
            answer = _answer(call, database)
            if request.attributes_to_get:
                answer = shapes.Database(name=answer.name, target_database=answer.target_database)
            found.append(answer)
    return shapes.GetDatabasesResponse(database_list=found)


async def update_database(
    needs: Needs, call: Call, request: shapes.UpdateDatabaseRequest
) -> shapes.UpdateDatabaseResponse:
    """Replace a database's description.

    Source: Glue API reference, UpdateDatabase.
    """
    check_catalog(call, request.catalog_id)
    described = _accept(request.database_input)
    if described.name != fold(request.name):
        raise InvalidInput("A database cannot be renamed: Name and DatabaseInput.Name differ.")
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.name)
        if request.database_input.create_table_default_permissions is None:
            permissions = database.input.create_table_default_permissions
            described = msgspec.structs.replace(
                described, create_table_default_permissions=permissions
            )
        updated = msgspec.structs.replace(database, input=described)
        store.save_database(transaction, call, updated)
    return shapes.UpdateDatabaseResponse()


async def delete_database(
    needs: Needs, call: Call, request: shapes.DeleteDatabaseRequest
) -> shapes.DeleteDatabaseResponse:
    """Remove a database and, out of sight at once, all that is in it.

    Source: Glue API reference, DeleteDatabase.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        database = await require_database(transaction, call, request.name)
        store.delete_database(transaction, call, database.input.name)
        store.save_tags(transaction, call, f"database/{database.input.name}", {})
        store.schedule_sweep(transaction, call, "sweep_database", database.id)
    return shapes.DeleteDatabaseResponse()


async def get_catalog_import_status(
    needs: Needs, call: Call, request: shapes.GetCatalogImportStatusRequest
) -> shapes.GetCatalogImportStatusResponse:
    """There was never another catalog to import from, so the import counts as completed.

    Source: Glue API reference, GetCatalogImportStatus.
    """
    check_catalog(call, request.catalog_id)
    status = shapes.CatalogImportStatus(import_completed=True)
    return shapes.GetCatalogImportStatusResponse(import_status=status)
