"""Log groups."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.kernel.tasks import Task, schedule
from millpond.services.logs import shapes, store
from millpond.services.logs.errors import (
    InvalidParameter,
    ResourceAlreadyExists,
    not_implemented,
)
from millpond.services.logs.model.groups import Group, check_retention
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import group_arn, name_in, pages_of, require_group

PAGE_SIZE_MAX = 50


async def create_log_group(needs: Needs, call: Call, request: shapes.CreateLogGroupRequest) -> None:
    """Make a log group, whose events are kept for ever until its retention is set.

    Raises:
        ResourceAlreadyExists: the name is taken.

    Source: CloudWatch Logs API reference, CreateLogGroup.
    """
    not_implemented(
        ("kmsKeyId", request.kms_key_id),
        ("deletionProtectionEnabled", request.deletion_protection_enabled),
        (
            f"logGroupClass {request.log_group_class}",
            request.log_group_class not in (None, "STANDARD"),
        ),
    )
    name = request.log_group_name
    if name.startswith("aws/"):
        raise InvalidParameter("Log groups starting with aws/ are reserved for AWS.")
    async with needs.records.transaction() as transaction:
        if await store.load_group(transaction, call, name):
            raise ResourceAlreadyExists("The specified log group already exists")
        group = Group(
            id=needs.ids.hex(8),
            name=name,
            created_ms=needs.clock.now_ms(),
            tags=request.tags or {},
        )
        store.save_group(transaction, call, group)


async def delete_log_group(needs: Needs, call: Call, request: shapes.DeleteLogGroupRequest) -> None:
    """Remove a log group and, out of sight at once, all its streams and events.

    Source: CloudWatch Logs API reference, DeleteLogGroup.
    """
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        store.drop_group(transaction, call, group)


async def put_retention_policy(
    needs: Needs, call: Call, request: shapes.PutRetentionPolicyRequest
) -> None:
    """Keep the events of a group for some days; older ones are not shown any more.

    Source: CloudWatch Logs API reference, PutRetentionPolicy.
    """
    check_retention(request.retention_in_days)
    await _set_retention(needs, call, request.log_group_name, request.retention_in_days)


async def delete_retention_policy(
    needs: Needs, call: Call, request: shapes.DeleteRetentionPolicyRequest
) -> None:
    """Keep the events of a group for ever.

    Source: CloudWatch Logs API reference, DeleteRetentionPolicy.
    """
    await _set_retention(needs, call, request.log_group_name, 0)


async def _set_retention(needs: Needs, call: Call, name: str, days: int) -> None:
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, name)
        changed = msgspec.structs.replace(group, retention_days=days)
        store.save_group(transaction, call, changed)
        if days:
            task = Task("logs", store.RETAIN_TASK, name, 0, call.account, call.region)
            schedule(transaction, task)


async def describe_log_groups(
    needs: Needs, call: Call, request: shapes.DescribeLogGroupsRequest
) -> shapes.DescribeLogGroupsResponse:
    """Log groups by name: all, some by prefix or by a part of their names, or those named.

    Source: CloudWatch Logs API reference, DescribeLogGroups.
    """
    not_implemented(
        ("includeLinkedAccounts", request.include_linked_accounts),
        ("accountIdentifiers", request.account_identifiers),
    )
    if request.log_group_name_prefix and request.log_group_name_pattern:
        raise InvalidParameter(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        )
    if request.log_group_identifiers:
        return await _describe_named(needs, call, request)
    pattern = request.log_group_name_pattern or ""
    prefix = request.log_group_name_prefix or ""
    paging = pages_of(needs, call, prefix, pattern, request.log_group_class)
    after = paging.open(request.next_token)
    size = request.limit or PAGE_SIZE_MAX
    found: list[shapes.LogGroup] = []
    if request.log_group_class not in (None, "STANDARD"):
        return shapes.DescribeLogGroupsResponse(log_groups=found)
    async with needs.records.transaction() as transaction:
        async for group in store.scan_groups(transaction, call, prefix, after):
            if pattern not in group.name:
                continue
            if len(found) == size:
                return shapes.DescribeLogGroupsResponse(
                    log_groups=found, next_token=paging.seal(after)
                )
            after = group.name
            if pattern:
                found.append(_short_answer(call, group))
            else:
                found.append(await _answer(transaction, call, group))
    return shapes.DescribeLogGroupsResponse(log_groups=found)


async def _describe_named(
    needs: Needs, call: Call, request: shapes.DescribeLogGroupsRequest
) -> shapes.DescribeLogGroupsResponse:
    if request.log_group_name_prefix or request.log_group_name_pattern:
        raise InvalidParameter(
            "logGroupIdentifiers cannot be specified together with a prefix or a pattern."
        )
    found: list[shapes.LogGroup] = []
    async with needs.records.transaction() as transaction:
        for identifier in request.log_group_identifiers or ():
            group = await store.load_group(transaction, call, name_in(call, identifier))
            if group is not None:
                found.append(await _answer(transaction, call, group))
    return shapes.DescribeLogGroupsResponse(log_groups=found)


def _short_answer(call: Call, group: Group) -> shapes.LogGroup:
    return shapes.LogGroup(
        log_group_name=group.name,
        creation_time=group.created_ms,
        arn=f"{group_arn(call, group.name)}:*",
    )


async def _answer(transaction: Transaction, call: Call, group: Group) -> shapes.LogGroup:
    stored = 0
    async for stream in store.scan_streams(transaction, group.id):
        stored += stream.stored_bytes
    return shapes.LogGroup(
        log_group_name=group.name,
        creation_time=group.created_ms,
        retention_in_days=group.retention_days or None,
        metric_filter_count=0,
        arn=f"{group_arn(call, group.name)}:*",
        stored_bytes=stored,
        log_group_class="STANDARD",
        log_group_arn=group_arn(call, group.name),
        deletion_protection_enabled=False,
    )
