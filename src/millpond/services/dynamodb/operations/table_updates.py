"""UpdateTable: capacity, protection, class, and global secondary indexes."""

from dataclasses import dataclass

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.dynamodb import shapes, store
from millpond.services.dynamodb.access import check_name, require_named_table
from millpond.services.dynamodb.counting import current_counts
from millpond.services.dynamodb.describing import describe
from millpond.services.dynamodb.errors import (
    LimitExceeded,
    ResourceInUse,
    ResourceNotFound,
    ValidationError,
    invalid,
    not_implemented,
)
from millpond.services.dynamodb.filling import schedule_filling
from millpond.services.dynamodb.model.definitions import (
    check_all_used,
    check_indexes,
    read_definitions,
    read_global_index,
    read_throughput,
)
from millpond.services.dynamodb.model.tables import Index, Table, Throughput
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.operations.tables import refuse_absent

_AT_LEAST_ONE = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
    "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
)


async def update_table(
    needs: Needs, call: Call, request: shapes.UpdateTableInput
) -> shapes.UpdateTableOutput:
    """Change a table's settings or one of its indexes. A new index is filled in the background.

    Raises:
        ResourceNotFound: there is no such table or index.
        ResourceInUse: an index is being filled.
        LimitExceeded: several indexes are to be made or deleted at once.
        ValidationError: the change does not fit the table, or changes nothing.

    Source: DynamoDB API reference, UpdateTable.
    """
    refuse_absent(request)
    not_implemented(
        ("ReplicaUpdates", request.replica_updates),
        ("MultiRegionConsistency", request.multi_region_consistency),
        ("GlobalTableWitnessUpdates", request.global_table_witness_updates),
        ("DisassociationProtectionEnabled", request.disassociation_protection_enabled),
        ("VectorIndexUpdates", request.vector_index_updates),
    )
    _check_asked(request)
    async with needs.records.transaction() as transaction:
        table = await require_named_table(transaction, call, request.table_name)
        work = _Updating(needs, call, transaction, request)
        new = work.update(table)
        store.save_table(transaction, call, new)
    async with needs.records.transaction() as transaction:
        counts = await current_counts(transaction, needs, table)
    return shapes.UpdateTableOutput(
        table_description=describe(call, new, counts, status="UPDATING")
    )


def _check_asked(request: shapes.UpdateTableInput) -> None:
    asked = (
        request.billing_mode,
        request.provisioned_throughput,
        request.global_secondary_index_updates,
        request.table_class,
        request.deletion_protection_enabled,
        request.stream_specification,
        request.sse_specification,
    )
    if all(each is None for each in asked):
        raise ValidationError(_AT_LEAST_ONE)


@dataclass(frozen=True, slots=True)
class _Updating:
    """One request's work inside its transaction."""

    needs: Needs
    call: Call
    transaction: Transaction
    request: shapes.UpdateTableInput

    def update(self, table: Table) -> Table:
        """The table as it is to be."""
        request, now_ms = self.request, self.needs.clock.now_ms()
        table = self._with_capacity(table)
        table = self._with_indexes(table)
        if request.table_class is not None and request.table_class != table.table_class:
            table = msgspec.structs.replace(
                table, table_class=request.table_class, table_class_ms=now_ms
            )
        if request.deletion_protection_enabled is not None:
            table = msgspec.structs.replace(
                table, deletion_protection=request.deletion_protection_enabled
            )
        return table

    def _with_capacity(self, table: Table) -> Table:
        request, now_ms = self.request, self.needs.clock.now_ms()
        mode = request.billing_mode or table.billing_mode
        provisioned = mode == "PROVISIONED"
        if mode != table.billing_mode:
            throughput = read_throughput(request.provisioned_throughput, provisioned=provisioned)
            indexes = table.indexes
            if not provisioned:
                indexes = tuple(
                    msgspec.structs.replace(index, throughput=Throughput()) for index in indexes
                )
            return msgspec.structs.replace(
                table,
                billing_mode=mode,
                throughput=throughput,
                indexes=indexes,
                on_demand_ms=table.on_demand_ms if provisioned else now_ms,
            )
        if request.provisioned_throughput is None:
            return table
        wanted = read_throughput(request.provisioned_throughput, provisioned=provisioned)
        if (wanted.read, wanted.write) == (table.throughput.read, table.throughput.write):
            raise ValidationError(
                "The provisioned throughput for the table will not change. The requested value "
                f"equals the current value. Current ReadCapacityUnits provisioned for the table: "
                f"{wanted.read}. Requested ReadCapacityUnits: {wanted.read}. Current "
                f"WriteCapacityUnits provisioned for the table: {wanted.write}. Requested "
                f"WriteCapacityUnits: {wanted.write}. Refer to the Amazon DynamoDB Developer Guide "
                "for current limits and how to request higher limits."
            )
        throughput = _moved(table.throughput, wanted, now_ms)
        return msgspec.structs.replace(table, throughput=throughput)

    def _with_indexes(self, table: Table) -> Table:
        updates = self.request.global_secondary_index_updates or []
        made = sum(1 for each in updates if each.create or each.delete)
        if made > 1:
            raise LimitExceeded(
                "Subscriber limit exceeded: Only 1 online index can be created or deleted "
                "simultaneously per table"
            )
        definitions = table.definitions | read_definitions(self.request.attribute_definitions)
        for name, kind in table.definitions.items():
            if definitions[name] != kind:
                raise invalid(f"Cannot change the type of the key attribute {name}")
        if made and any(index.filling for index in table.indexes):
            raise ResourceInUse(
                f"Attempt to change a resource which is still in use: Table is being updated: "
                f"{table.name}"
            )
        table = msgspec.structs.replace(table, definitions=definitions)
        for each in updates:
            table = self._with_index(table, each)
        used = {
            name
            for schema in (table.schema, *(index.schema for index in table.indexes))
            for name in schema.names
        }
        if any(each.delete for each in updates):
            kept = {name: kind for name, kind in table.definitions.items() if name in used}
            return msgspec.structs.replace(table, definitions=kept)
        check_all_used(table.definitions, table.schema, table.indexes)
        return table

    def _with_index(self, table: Table, update: shapes.GlobalSecondaryIndexUpdate) -> Table:
        given = [each for each in (update.create, update.update, update.delete) if each is not None]
        if len(given) != 1:
            raise invalid(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if update.create is not None:
            return self._with_new_index(table, update.create)
        name = given[0].index_name
        index = table.index(name)
        if index is None or index.local:
            raise ResourceNotFound(
                f"Requested resource not found: The table does not have the specified index: {name}"
            )
        others = tuple(each for each in table.indexes if each is not index)
        if update.delete is not None:
            store.drop_index(self.transaction, self.call, index)
            return msgspec.structs.replace(table, indexes=others)
        assert update.update is not None
        changed = self._updated_index(table, index, update.update)
        indexes = tuple(changed if each is index else each for each in table.indexes)
        return msgspec.structs.replace(table, indexes=indexes)

    def _with_new_index(
        self, table: Table, given: shapes.CreateGlobalSecondaryIndexAction
    ) -> Table:
        not_implemented(
            ("OnDemandThroughput", given.on_demand_throughput),
            ("WarmThroughput", given.warm_throughput),
        )
        check_name(given.index_name)
        if table.index(given.index_name) is not None:
            raise ValidationError(
                "Attempting to create an index which already exists: " + given.index_name
            )
        index = read_global_index(
            given,
            table.definitions,
            lambda: self.needs.ids.hex(16),
            provisioned=table.billing_mode == "PROVISIONED",
        )
        index = msgspec.structs.replace(index, filling=True)
        indexes = (*table.indexes, index)
        check_indexes(indexes)
        schedule_filling(self.transaction, self.call, table, index)
        return msgspec.structs.replace(table, indexes=indexes)

    def _updated_index(
        self, table: Table, index: Index, given: shapes.UpdateGlobalSecondaryIndexAction
    ) -> Index:
        not_implemented(
            ("OnDemandThroughput", given.on_demand_throughput),
            ("WarmThroughput", given.warm_throughput),
        )
        wanted = read_throughput(
            given.provisioned_throughput,
            provisioned=table.billing_mode == "PROVISIONED",
            where=f" for index: {index.name}",
        )
        throughput = _moved(index.throughput, wanted, self.needs.clock.now_ms())
        return msgspec.structs.replace(index, throughput=throughput)


def _moved(old: Throughput, wanted: Throughput, now_ms: int) -> Throughput:
    """`wanted`, with the times at which units went up and down."""
    up = wanted.read > old.read or wanted.write > old.write
    down = wanted.read < old.read or wanted.write < old.write
    return Throughput(
        wanted.read,
        wanted.write,
        now_ms if up else old.increased_ms,
        now_ms if down else old.decreased_ms,
    )
