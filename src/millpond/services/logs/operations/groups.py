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
from millpond.services.logs.model.groups import (
    Group,
    check_deletable,
    check_retention,
    has_tag,
)
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import group_arn, name_in, pages_of, require_group
from millpond.services.logs.storing.filters import drop_filters

PAGE_SIZE_MAX = 50


async def create_log_group(needs: Needs, call: Call, request: shapes.CreateLogGroupRequest) -> None:
    """Make a log group, whose events are kept for ever until its retention is set.

    Raises:
        ResourceAlreadyExists: the name is taken.

    Source: CloudWatch Logs API reference, CreateLogGroup.
    """
    not_implemented(
        ("kmsKeyId", request.kms_key_id),
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
            deletion_protected=bool(request.deletion_protection_enabled),
        )
        store.save_group(transaction, call, group)


async def delete_log_group(needs: Needs, call: Call, request: shapes.DeleteLogGroupRequest) -> None:
    """Remove a log group and, out of sight at once, all its streams and events.

    Raises:
        Protected: it is protected from deletion.

    Source: CloudWatch Logs API reference, DeleteLogGroup.
    """
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        check_deletable(group)
        await drop_filters(transaction, call, group)
        store.drop_group(transaction, call, group)


async def put_log_group_deletion_protection(
    needs: Needs, call: Call, request: shapes.PutLogGroupDeletionProtectionRequest
) -> None:
    """Forbid that a group and its streams are deleted, or allow it again.

    Source: CloudWatch Logs API reference, PutLogGroupDeletionProtection.
    """
    async with needs.records.transaction() as transaction:
        name = name_in(call, request.log_group_identifier)
        group = await require_group(transaction, call, name)
        changed = msgspec.structs.replace(
            group, deletion_protected=request.deletion_protection_enabled
        )
        store.save_group(transaction, call, changed)


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


async def list_log_groups(
    needs: Needs, call: Call, request: shapes.ListLogGroupsRequest
) -> shapes.ListLogGroupsResponse:
    """Log groups by name: those of a class, those one of some patterns matches, those with tags.

    Source: CloudWatch Logs API reference, ListLogGroups.
    """
    not_implemented(
        ("includeLinkedAccounts", request.include_linked_accounts),
        ("accountIdentifiers", request.account_identifiers),
        ("dataSources", request.data_sources),
        ("fieldIndexNames", request.field_index_names),
    )
    patterns = (request.log_group_name_pattern or "").split("|")
    wanted = [(tag.key, tag.values or []) for tag in request.log_group_tags or ()]
    paging = pages_of(needs, call, patterns, request.log_group_class, repr(wanted))
    after = paging.open(request.next_token)
    size = request.limit or PAGE_SIZE_MAX
    found: list[shapes.LogGroupSummary] = []
    token: str | None = None
    if request.log_group_class not in (None, "STANDARD"):
        return shapes.ListLogGroupsResponse(log_groups=found)
    async with needs.records.transaction() as transaction:
        async for group in store.scan_groups(transaction, call, "", after):
            if not any(_fits(pattern, group.name) for pattern in patterns):
                continue
            if not all(has_tag(group.tags, key, values) for key, values in wanted):
                continue
            if len(found) == size:
                token = paging.seal(found[-1].log_group_name or "")
                break
            found.append(
                shapes.LogGroupSummary(
                    log_group_name=group.name,
                    log_group_arn=group_arn(call, group.name),
                    log_group_class="STANDARD",
                )
            )
    return shapes.ListLogGroupsResponse(log_groups=found, next_token=token)


def _fits(pattern: str, name: str) -> bool:
    """Whether a name has a text in it, or begins with it after `^`."""
    if pattern.startswith("^"):
        return name.startswith(pattern[1:])
    return pattern in name


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
        metric_filter_count=group.metric_filters,
        arn=f"{group_arn(call, group.name)}:*",
        stored_bytes=stored,
        log_group_class="STANDARD",
        log_group_arn=group_arn(call, group.name),
        deletion_protection_enabled=group.deletion_protected,
    )
