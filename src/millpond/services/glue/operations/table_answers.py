"""Tables as answers show them."""

from collections.abc import Sequence

import msgspec

from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue.errors import InvalidInput, not_implemented
from millpond.services.glue.model import Archived, Table, fold


def accept_table(given: shapes.TableInput) -> shapes.TableInput:
    """What is kept of a description: the name folded to lower case.

    Raises:
        InvalidInput: it uses what is not implemented.
    """
    not_implemented(("FederatedTable", given.federated_table))
    refuse_schema_reference(given.storage_descriptor)
    return msgspec.structs.replace(given, name=fold(given.name))


def refuse_schema_reference(storage: shapes.StorageDescriptor | None) -> None:
    """Columns out of a schema registry would have to be looked up there."""
    if storage is not None:
        not_implemented(("SchemaReference", storage.schema_reference))


def show_storage(
    storage: shapes.StorageDescriptor | None,
) -> shapes.StorageDescriptor | None:
    """Storage with the values that AWS fills in."""
    if storage is None:
        return None
    return msgspec.structs.replace(
        storage,
        columns=storage.columns or [],
        compressed=bool(storage.compressed),
        number_of_buckets=storage.number_of_buckets or 0,
        sort_columns=storage.sort_columns or [],
        stored_as_sub_directories=bool(storage.stored_as_sub_directories),
    )


def show_table(
    call: Call, database_name: str, table: Table, archived: Archived | None = None
) -> shapes.Table:
    """A table, or one of its archived versions."""
    shown = archived or table
    described = shown.input
    view = _show_view(described.view_definition)
    return shapes.Table(
        name=described.name,
        database_name=fold(database_name),
        description=described.description,
        owner=described.owner,
        create_time=table.created_ms / 1000,
        update_time=shown.updated_ms / 1000,
        last_access_time=described.last_access_time,
        last_analyzed_time=described.last_analyzed_time,
        retention=described.retention or 0,
        storage_descriptor=show_storage(described.storage_descriptor),
        partition_keys=described.partition_keys or [],
        view_original_text=described.view_original_text,
        view_expanded_text=described.view_expanded_text,
        table_type=described.table_type,
        parameters=described.parameters,
        created_by=table.created_by or None,
        is_registered_with_lake_formation=False,
        target_table=described.target_table,
        catalog_id=call.account,
        version_id=str(shown.version),
        view_definition=view,
        is_multi_dialect_view=view is not None,
    )


def _show_view(view: shapes.ViewDefinitionInput | None) -> shapes.ViewDefinition | None:
    if view is None:
        return None
    members = msgspec.to_builtins(view)
    for representation in members.get("Representations", ()):
        representation["IsStale"] = False
    return msgspec.convert(members, shapes.ViewDefinition)


def cut_to_attributes(table: shapes.Table, attributes: Sequence[str] | None) -> shapes.Table:
    """The table with what `AttributesToGet` names.

    Raises:
        InvalidInput: it names Iceberg metadata, which the catalog does not read.
    """
    attributes = attributes or ("DEFAULT",)
    if "LATEST_ICEBERG_METADATA" in attributes:
        raise InvalidInput("AttributesToGet LATEST_ICEBERG_METADATA is not implemented.")
    if "DEFAULT" in attributes:
        return table
    return shapes.Table(
        name=table.name,
        database_name=table.database_name,
        catalog_id=table.catalog_id,
        table_type=table.table_type if "TABLE_TYPE" in attributes else None,
    )
