"""Time to live, continuous backups, and tags."""

import re

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.dynamodb import shapes, store
from millpond.services.dynamodb.access import require_named_table, table_arn
from millpond.services.dynamodb.errors import (
    ResourceNotFound,
    TableNotFound,
    ValidationError,
)
from millpond.services.dynamodb.expiring import schedule_expiry
from millpond.services.dynamodb.filling import schedule_filling
from millpond.services.dynamodb.model.definitions import check_tag_count, read_tags
from millpond.services.dynamodb.model.tables import (
    Index,
    KeySchema,
    Recovery,
    Table,
    TimeToLive,
)
from millpond.services.dynamodb.needs import Needs

_RESOURCE = re.compile(r"arn:aws[a-z-]*:dynamodb:[^:]*:[^:]*:table/[^/]+\Z")
_RECOVERY_DAYS_DEFAULT = 35


async def update_time_to_live(
    needs: Needs, call: Call, request: shapes.UpdateTimeToLiveInput
) -> shapes.UpdateTimeToLiveOutput:
    """Have items deleted after the time in an attribute (epoch seconds), or no longer.

    Raises:
        ResourceNotFound
        ValidationError: it is as asked already, or enabled on another attribute.

    Source: DynamoDB API reference, UpdateTimeToLive.
    """
    wanted = request.time_to_live_specification
    async with needs.records.transaction() as transaction:
        table = await require_named_table(transaction, call, request.table_name)
        current = table.time_to_live
        if wanted.enabled:
            if current is not None:
                raise ValidationError(
                    "TimeToLive is already enabled"
                    if current.attribute == wanted.attribute_name
                    else f"TimeToLive is active on a different AttributeName: current "
                    f"AttributeName is {current.attribute}"
                )
            table = _with_time_to_live(needs, call, transaction, table, wanted.attribute_name)
        else:
            if current is None:
                raise ValidationError("TimeToLive is already disabled")
            if current.attribute != wanted.attribute_name:
                raise ValidationError(
                    "TimeToLive is active on a different AttributeName: current AttributeName is "
                    f"{current.attribute}"
                )
            store.drop_index(transaction, call, current.order)
            table = msgspec.structs.replace(table, time_to_live=None)
        store.save_table(transaction, call, table)
    return shapes.UpdateTimeToLiveOutput(time_to_live_specification=wanted)


def _with_time_to_live(
    needs: Needs, call: Call, transaction: Transaction, table: Table, attribute: str
) -> Table:
    order = Index(
        id=needs.ids.hex(16),
        name="",
        schema=KeySchema("", "S", attribute, "N"),
        projection="KEYS_ONLY",
        filling=True,
    )
    schedule_filling(transaction, call, table, order)
    schedule_expiry(transaction, call, table)
    return msgspec.structs.replace(table, time_to_live=TimeToLive(attribute, order))


async def describe_time_to_live(
    needs: Needs, call: Call, request: shapes.DescribeTimeToLiveInput
) -> shapes.DescribeTimeToLiveOutput:
    """Whether items expire, and by which attribute.

    Raises:
        ResourceNotFound

    Source: DynamoDB API reference, DescribeTimeToLive.
    """
    async with needs.records.transaction() as transaction:
        table = await require_named_table(transaction, call, request.table_name)
    current = table.time_to_live
    if current is None:
        described = shapes.TimeToLiveDescription(time_to_live_status="DISABLED")
    else:
        described = shapes.TimeToLiveDescription(
            time_to_live_status="ENABLING" if current.order.filling else "ENABLED",
            attribute_name=current.attribute,
        )
    return shapes.DescribeTimeToLiveOutput(time_to_live_description=described)


async def update_continuous_backups(
    needs: Needs, call: Call, request: shapes.UpdateContinuousBackupsInput
) -> shapes.UpdateContinuousBackupsOutput:
    """Keep the setting of point-in-time recovery. There is no restoring from it.

    Raises:
        TableNotFound

    Source: DynamoDB API reference, UpdateContinuousBackups.
    """
    wanted = request.point_in_time_recovery_specification
    days = wanted.recovery_period_in_days or _RECOVERY_DAYS_DEFAULT
    async with needs.records.transaction() as transaction:
        table = await _require_backed_up(transaction, call, request.table_name)
        recovery = Recovery(wanted.point_in_time_recovery_enabled, days)
        table = msgspec.structs.replace(table, recovery=recovery)
        store.save_table(transaction, call, table)
    return shapes.UpdateContinuousBackupsOutput(continuous_backups_description=_backups(table))


async def describe_continuous_backups(
    needs: Needs, call: Call, request: shapes.DescribeContinuousBackupsInput
) -> shapes.DescribeContinuousBackupsOutput:
    """The setting of point-in-time recovery, without times: nothing can be restored.

    Raises:
        TableNotFound

    Source: DynamoDB API reference, DescribeContinuousBackups.
    """
    async with needs.records.transaction() as transaction:
        table = await _require_backed_up(transaction, call, request.table_name)
    return shapes.DescribeContinuousBackupsOutput(continuous_backups_description=_backups(table))


async def _require_backed_up(transaction: Transaction, call: Call, given: str) -> Table:
    try:
        return await require_named_table(transaction, call, given)
    except ResourceNotFound as error:
        raise TableNotFound(f"Table not found: {given}") from error


def _backups(table: Table) -> shapes.ContinuousBackupsDescription:
    enabled = table.recovery.enabled
    return shapes.ContinuousBackupsDescription(
        continuous_backups_status="ENABLED",
        point_in_time_recovery_description=shapes.PointInTimeRecoveryDescription(
            point_in_time_recovery_status="ENABLED" if enabled else "DISABLED",
            recovery_period_in_days=table.recovery.days if enabled else None,
        ),
    )


async def tag_resource(needs: Needs, call: Call, request: shapes.TagResourceInput) -> None:
    """Set tags of a table.

    Raises:
        ResourceNotFound
        ValidationError: a tag is reserved, or there are more than 50.

    Source: DynamoDB API reference, TagResource.
    """
    new = read_tags(request.tags)
    async with needs.records.transaction() as transaction:
        table = await _require_resource(transaction, call, request.resource_arn)
        tags = table.tags | new
        check_tag_count(tags)
        store.save_table(transaction, call, msgspec.structs.replace(table, tags=tags))


async def untag_resource(needs: Needs, call: Call, request: shapes.UntagResourceInput) -> None:
    """Remove tags of a table; those that are not there are no error.

    Raises:
        ResourceNotFound

    Source: DynamoDB API reference, UntagResource.
    """
    async with needs.records.transaction() as transaction:
        table = await _require_resource(transaction, call, request.resource_arn)
        gone = set(request.tag_keys)
        tags = {key: value for key, value in table.tags.items() if key not in gone}
        store.save_table(transaction, call, msgspec.structs.replace(table, tags=tags))


async def list_tags_of_resource(
    needs: Needs, call: Call, request: shapes.ListTagsOfResourceInput
) -> shapes.ListTagsOfResourceOutput:
    """All tags of a table, in one page.

    Raises:
        ResourceNotFound

    Source: DynamoDB API reference, ListTagsOfResource.
    """
    async with needs.records.transaction() as transaction:
        table = await _require_resource(transaction, call, request.resource_arn)
    tags = [shapes.Tag(key=key, value=value) for key, value in table.tags.items()]
    return shapes.ListTagsOfResourceOutput(tags=tags)


async def _require_resource(transaction: Transaction, call: Call, arn: str) -> Table:
    if not _RESOURCE.match(arn):
        raise ValidationError(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    name = arn.rpartition("/")[2]
    if arn != table_arn(call, name):
        raise ResourceNotFound(f"Requested resource not found: ResourcArn: {arn} not found")
    table = await store.load_table(transaction, call, name)
    if table is None:
        raise ResourceNotFound(f"Requested resource not found: ResourcArn: {arn} not found")
    return table
