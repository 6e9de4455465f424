"""Connections: where databases are, and how they are entered."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue import store as tag_store
from millpond.services.glue.connections import store
from millpond.services.glue.connections.model import (
    SECRET,
    Stored,
    check_input,
    check_properties,
    read_target,
)
from millpond.services.glue.connections.testing import try_target
from millpond.services.glue.errors import (
    AlreadyExists,
    EntityNotFound,
    InvalidInput,
    not_implemented,
)
from millpond.services.glue.model import merge_tags
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import check_catalog, pages_of

PAGE_SIZE_DEFAULT = 100


async def require_connection(transaction: Transaction, call: Call, name: str) -> Stored:
    """The connection.

    Raises:
        EntityNotFound: there is none of that name.
    """
    connection = await store.load_connection(transaction, call, name)
    if connection is None:
        raise EntityNotFound(f"Connection {name} not found.")
    return connection


async def create_connection(
    needs: Needs, call: Call, request: shapes.CreateConnectionRequest
) -> shapes.CreateConnectionResponse:
    """Define a connection.

    Raises:
        AlreadyExists: the name is taken.
        InvalidInput: it does not fit, or nothing here could use it.

    Source: Glue API reference, CreateConnection.
    """
    check_catalog(call, request.catalog_id)
    given = request.connection_input
    check_input(given)
    tags = merge_tags({}, request.tags or {})
    async with needs.records.transaction() as transaction:
        if await store.load_connection(transaction, call, given.name):
            raise AlreadyExists(f"Connection {given.name} already exists.")
        now_ms = needs.clock.now_ms()
        connection = Stored(
            input=given, created_ms=now_ms, updated_ms=now_ms, updated_by=call.principal.arn
        )
        store.save_connection(transaction, call, connection)
        tag_store.save_tags(transaction, call, f"connection/{given.name}", tags)
    return shapes.CreateConnectionResponse(create_connection_status="READY")


async def update_connection(
    needs: Needs, call: Call, request: shapes.UpdateConnectionRequest
) -> shapes.UpdateConnectionResponse:
    """Define a connection anew; its name stays.

    Source: Glue API reference, UpdateConnection.
    """
    check_catalog(call, request.catalog_id)
    given = request.connection_input
    check_input(given)
    if given.name != request.name:
        raise InvalidInput("A connection cannot be renamed: ConnectionInput has another Name.")
    async with needs.records.transaction() as transaction:
        former = await require_connection(transaction, call, request.name)
        updated = msgspec.structs.replace(
            former,
            input=given,
            updated_ms=needs.clock.now_ms(),
            updated_by=call.principal.arn,
            tested_ms=None,
        )
        store.save_connection(transaction, call, updated)
    return shapes.UpdateConnectionResponse()


async def get_connection(
    needs: Needs, call: Call, request: shapes.GetConnectionRequest
) -> shapes.GetConnectionResponse:
    """A connection, with its password unless that is to be hidden.

    Source: Glue API reference, GetConnection.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        connection = await require_connection(transaction, call, request.name)
    shown = _show(connection, hides=bool(request.hide_password))
    return shapes.GetConnectionResponse(connection=shown)


async def get_connections(
    needs: Needs, call: Call, request: shapes.GetConnectionsRequest
) -> shapes.GetConnectionsResponse:
    """Connections by name, of a type and with all the match criteria asked for.

    Source: Glue API reference, GetConnections.
    """
    check_catalog(call, request.catalog_id)
    wanted = request.filter or shapes.GetConnectionsFilter()
    criteria = wanted.match_criteria or []
    paging = pages_of(
        needs, call, wanted.connection_type, sorted(criteria), wanted.connection_schema_version
    )
    after = paging.open(request.next_token)
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.Connection] = []
    async with needs.records.transaction() as transaction:
        async for connection in store.scan_connections(transaction, call, after):
            if not _fits(connection, wanted):
                continue
            if len(found) == size:
                token = paging.seal(found[-1].name or "")
                return shapes.GetConnectionsResponse(connection_list=found, next_token=token)
            found.append(_show(connection, hides=bool(request.hide_password)))
    return shapes.GetConnectionsResponse(connection_list=found)


async def delete_connection(
    needs: Needs, call: Call, request: shapes.DeleteConnectionRequest
) -> shapes.DeleteConnectionResponse:
    """Remove a connection. Source: Glue API reference, DeleteConnection."""
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        await require_connection(transaction, call, request.connection_name)
        _delete(transaction, call, request.connection_name)
    return shapes.DeleteConnectionResponse()


async def batch_delete_connection(
    needs: Needs, call: Call, request: shapes.BatchDeleteConnectionRequest
) -> shapes.BatchDeleteConnectionResponse:
    """Remove connections; those that are not there are told one by one.

    Source: Glue API reference, BatchDeleteConnection.
    """
    check_catalog(call, request.catalog_id)
    gone: list[str] = []
    errors: dict[str, shapes.ErrorDetail] = {}
    async with needs.records.transaction() as transaction:
        for name in dict.fromkeys(request.connection_name_list):
            if await store.load_connection(transaction, call, name) is None:
                errors[name] = shapes.ErrorDetail(
                    error_code="EntityNotFoundException",
                    error_message=f"Connection {name} not found.",
                )
            else:
                _delete(transaction, call, name)
                gone.append(name)
    return shapes.BatchDeleteConnectionResponse(succeeded=gone, errors=errors or None)


async def test_connection(
    needs: Needs, call: Call, request: shapes.TestConnectionRequest
) -> shapes.TestConnectionResponse:
    """Enter the database that a connection names, or that is described.

    Raises:
        InvalidInput: it cannot be entered; the text has what the database says.

    Source: Glue API reference, TestConnection.
    """
    check_catalog(call, request.catalog_id)
    given = request.test_connection_input
    if (request.connection_name is None) == (given is None):
        raise InvalidInput("Specify either ConnectionName or TestConnectionInput.")
    if given is not None:
        not_implemented(("AuthenticationConfiguration", given.authentication_configuration))
        kind, properties = given.connection_type, given.connection_properties
        check_properties(kind, properties)
    else:
        async with needs.records.transaction() as transaction:
            stored = await require_connection(transaction, call, request.connection_name or "")
        kind, properties = stored.input.connection_type, stored.input.connection_properties
    if kind != "JDBC":
        raise InvalidInput(f"A connection of type {kind} cannot be tested.")
    failure = await try_target(needs, read_target(properties))
    if failure is not None:
        raise InvalidInput(f"Failed to connect: {failure}")
    if request.connection_name is not None:
        await _tell_tested(needs, call, request.connection_name)
    return shapes.TestConnectionResponse()


async def get_data_catalog_encryption_settings(
    needs: Needs, call: Call, request: shapes.GetDataCatalogEncryptionSettingsRequest
) -> shapes.GetDataCatalogEncryptionSettingsResponse:
    """That neither the catalog nor passwords are encrypted.

    Source: Glue API reference, GetDataCatalogEncryptionSettings.
    """
    check_catalog(call, request.catalog_id)
    settings = shapes.DataCatalogEncryptionSettings(
        encryption_at_rest=shapes.EncryptionAtRest(catalog_encryption_mode="DISABLED"),
        connection_password_encryption=shapes.ConnectionPasswordEncryption(
            return_connection_password_encrypted=False
        ),
    )
    return shapes.GetDataCatalogEncryptionSettingsResponse(
        data_catalog_encryption_settings=settings
    )


async def put_data_catalog_encryption_settings(
    needs: Needs, call: Call, request: shapes.PutDataCatalogEncryptionSettingsRequest
) -> shapes.PutDataCatalogEncryptionSettingsResponse:
    """Take settings that encrypt nothing; there is no key service for others.

    Source: Glue API reference, PutDataCatalogEncryptionSettings.
    """
    check_catalog(call, request.catalog_id)
    settings = request.data_catalog_encryption_settings
    at_rest, passwords = settings.encryption_at_rest, settings.connection_password_encryption
    not_implemented(
        ("EncryptionAtRest", at_rest and at_rest.catalog_encryption_mode != "DISABLED"),
        (
            "ConnectionPasswordEncryption",
            passwords and passwords.return_connection_password_encrypted,
        ),
    )
    return shapes.PutDataCatalogEncryptionSettingsResponse()


async def _tell_tested(needs: Needs, call: Call, name: str) -> None:
    async with needs.records.transaction() as transaction:
        stored = await store.load_connection(transaction, call, name)
        if stored is not None:
            now_ms = needs.clock.now_ms()
            tested = msgspec.structs.replace(stored, tested_ms=now_ms)
            store.save_connection(transaction, call, tested)


def _delete(transaction: Transaction, call: Call, name: str) -> None:
    store.delete_connection(transaction, call, name)
    tag_store.save_tags(transaction, call, f"connection/{name}", {})


def _fits(connection: Stored, wanted: shapes.GetConnectionsFilter) -> bool:
    given = connection.input
    if wanted.connection_type is not None and given.connection_type != wanted.connection_type:
        return False
    if wanted.connection_schema_version not in (None, 1):
        return False
    return set(wanted.match_criteria or ()) <= set(given.match_criteria or ())


def _show(connection: Stored, *, hides: bool) -> shapes.Connection:
    given = connection.input
    properties = {
        str(name): value
        for name, value in given.connection_properties.items()
        if not (hides and name == SECRET)
    }
    tested_ms = connection.tested_ms
    return shapes.Connection(
        name=given.name,
        description=given.description,
        connection_type=given.connection_type,
        match_criteria=given.match_criteria,
        connection_properties=properties,
        physical_connection_requirements=given.physical_connection_requirements,
        creation_time=connection.created_ms / 1000,
        last_updated_time=connection.updated_ms / 1000,
        last_updated_by=connection.updated_by,
        last_connection_validation_time=None if tested_ms is None else tested_ms / 1000,
        status="READY",
        connection_schema_version=1,
    )
