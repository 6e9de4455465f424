"""Versions of tables: what each update left behind, and the one that is now."""

from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.errors import EntityNotFound, InvalidInput
from millpond.services.glue.model import fold, read_version
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import check_catalog, pages_of, require_table
from millpond.services.glue.operations.table_answers import show_table

PAGE_SIZE_DEFAULT = 100


async def get_table_version(
    needs: Needs, call: Call, request: shapes.GetTableVersionRequest
) -> shapes.GetTableVersionResponse:
    """One version; the current one when none is named.

    Source: Glue API reference, GetTableVersion.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        archived = None
        number = table.version if request.version_id is None else read_version(request.version_id)
        if number != table.version:
            archived = await store.load_version(transaction, call, table.id, number)
            if archived is None:
                raise EntityNotFound("Version not found.")
    shown = show_table(call, request.database_name, table, archived)
    version = shapes.TableVersion(table=shown, version_id=shown.version_id)
    return shapes.GetTableVersionResponse(table_version=version)


async def get_table_versions(
    needs: Needs, call: Call, request: shapes.GetTableVersionsRequest
) -> shapes.GetTableVersionsResponse:
    """All versions that are kept, the newest first.

    Source: Glue API reference, GetTableVersions.
    """
    check_catalog(call, request.catalog_id)
    names = (fold(request.database_name), fold(request.table_name))
    paging = pages_of(needs, call, *names)
    position = paging.open(request.next_token)
    before = int(position) if position else None
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.TableVersion] = []
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, *names)
        if before is None:
            shown = show_table(call, names[0], table)
            found.append(shapes.TableVersion(table=shown, version_id=shown.version_id))
        async for archived in store.scan_versions(transaction, call, table.id, before):
            if len(found) == size:
                token = paging.seal(found[-1].version_id or "")
                return shapes.GetTableVersionsResponse(table_versions=found, next_token=token)
            shown = show_table(call, names[0], table, archived)
            found.append(shapes.TableVersion(table=shown, version_id=shown.version_id))
    return shapes.GetTableVersionsResponse(table_versions=found)


async def delete_table_version(
    needs: Needs, call: Call, request: shapes.DeleteTableVersionRequest
) -> shapes.DeleteTableVersionResponse:
    """Forget one archived version.

    Raises:
        InvalidInput: it is the current one.

    Source: Glue API reference, DeleteTableVersion.
    """
    check_catalog(call, request.catalog_id)
    number = read_version(request.version_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        if number == table.version:
            raise InvalidInput("The current version of a table cannot be deleted.")
        if await store.load_version(transaction, call, table.id, number) is None:
            raise EntityNotFound("Version not found.")
        store.delete_version(transaction, call, table.id, number)
    return shapes.DeleteTableVersionResponse()


async def batch_delete_table_version(
    needs: Needs, call: Call, request: shapes.BatchDeleteTableVersionRequest
) -> shapes.BatchDeleteTableVersionResponse:
    """Forget several archived versions; what cannot be is told one by one.

    Source: Glue API reference, BatchDeleteTableVersion.
    """
    check_catalog(call, request.catalog_id)
    errors: list[shapes.TableVersionError] = []
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        for version_id in dict.fromkeys(request.version_ids):
            try:
                number = read_version(version_id)
                if number == table.version:
                    raise InvalidInput("The current version of a table cannot be deleted.")
                if await store.load_version(transaction, call, table.id, number) is None:
                    raise EntityNotFound("Version not found.")
            except (InvalidInput, EntityNotFound) as error:
                errors.append(
                    shapes.TableVersionError(
                        table_name=table.input.name,
                        version_id=version_id,
                        error_detail=shapes.ErrorDetail(
                            error_code=error.code, error_message=error.message
                        ),
                    )
                )
                continue
            store.delete_version(transaction, call, table.id, number)
    return shapes.BatchDeleteTableVersionResponse(errors=errors)
