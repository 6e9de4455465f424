"""Exports of log events to S3."""

import msgspec

from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.logs import shapes
from millpond.services.logs.errors import (
    InvalidOperation,
    InvalidParameter,
    LimitExceeded,
    ResourceNotFound,
)
from millpond.services.logs.exporting.exporting import put_object
from millpond.services.logs.model.exports import (
    PREFIX_DEFAULT,
    TEST_OBJECT,
    TEST_TEXT,
    Author,
    Export,
)
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import pages_of, require_group
from millpond.services.logs.storing import exports

PAGE_SIZE_MAX = 50


async def create_export_task(
    needs: Needs, call: Call, request: shapes.CreateExportTaskRequest
) -> shapes.CreateExportTaskResponse:
    """Write the events of a time to a bucket, in the background, as the caller.

    Raises:
        InvalidParameter: the times are not in order or before the group was made, or the bucket
            cannot be written to.
        LimitExceeded: another export is not ended.

    Source: CloudWatch Logs API reference, CreateExportTask.
    """
    if request.from_ > request.to:
        raise InvalidParameter("The specified time range is invalid: from is later than to.")
    principal = call.principal
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        if await exports.load_active(transaction, call):
            raise LimitExceeded("Resource limit exceeded.")
    if request.to < group.created_ms:
        raise InvalidParameter("The specified time range ends before the log group was created.")
    export = Export(
        id=needs.ids.uuid(),
        name=request.task_name,
        group=group.name,
        group_id=group.id,
        stream_prefix=request.log_stream_name_prefix or "",
        from_ms=request.from_,
        to_ms=request.to,
        bucket=request.destination,
        prefix=(request.destination_prefix or PREFIX_DEFAULT).rstrip("/"),
        author=Author(
            arn=principal.arn,
            user_id=principal.user_id,
            access_key_id=principal.access_key_id,
            actions=principal.actions,
            endpoint=call.endpoint,
        ),
        created_ms=needs.clock.now_ms(),
    )
    await _check_bucket(needs, call, export)
    async with needs.records.transaction() as transaction:
        if await exports.load_active(transaction, call):
            raise LimitExceeded("Resource limit exceeded.")
        exports.save_export(transaction, call, export)
        exports.schedule_export(transaction, call, export)
    return shapes.CreateExportTaskResponse(task_id=export.id)


async def _check_bucket(needs: Needs, call: Call, export: Export) -> None:
    """Write the test object.

    Raises:
        InvalidParameter: that cannot be done.
    """
    try:
        await put_object(needs, call, export, f"{export.prefix}/{TEST_OBJECT}", TEST_TEXT)
    except ServiceError as error:
        if error.status >= 500:
            raise
        if error.code == "NoSuchBucket":
            raise InvalidParameter(
                "The given bucket does not exist. Please create the bucket first."
            ) from None
        raise InvalidParameter(
            "PutObject call on the given bucket failed. Please check if CloudWatch Logs has been "
            f"granted permission to perform this operation. ({error.code})"
        ) from None


async def cancel_export_task(
    needs: Needs, call: Call, request: shapes.CancelExportTaskRequest
) -> None:
    """Have an export end before it is done; what it wrote stays.

    Raises:
        ResourceNotFound: there is no such export.
        InvalidOperation: it is ended.

    Source: CloudWatch Logs API reference, CancelExportTask.
    """
    async with needs.records.transaction() as transaction:
        found = await exports.load_export(transaction, call, request.task_id)
        if found is None:
            raise ResourceNotFound("The specified export task does not exist.")
        if found.ended:
            raise InvalidOperation(
                f"The specified export task is {found.status} and cannot be cancelled."
            )
        changed = msgspec.structs.replace(found, status="PENDING_CANCEL")
        exports.save_export(transaction, call, changed)
        exports.schedule_export(transaction, call, changed)


async def describe_export_tasks(
    needs: Needs, call: Call, request: shapes.DescribeExportTasksRequest
) -> shapes.DescribeExportTasksResponse:
    """Exports, the latest first; all, one, or those of a status.

    Source: CloudWatch Logs API reference, DescribeExportTasks.
    """
    if request.task_id and request.status_code:
        raise InvalidParameter("taskId and statusCode cannot be specified together.")
    paging = pages_of(needs, call, request.task_id, request.status_code)
    after = paging.open(request.next_token)
    size = request.limit or PAGE_SIZE_MAX
    async with needs.records.transaction() as transaction:
        if request.task_id:
            one = await exports.load_export(transaction, call, request.task_id)
            found = [] if one is None else [one]
        else:
            last = await exports.load_export(transaction, call, after) if after else None
            found = []
            async for export in exports.scan_exports(transaction, call, last):
                if request.status_code in (None, export.status):
                    found.append(export)
                if len(found) > size:
                    break
    return shapes.DescribeExportTasksResponse(
        export_tasks=[_answer(export) for export in found[:size]],
        next_token=paging.seal(found[size - 1].id) if len(found) > size else None,
    )


def _answer(export: Export) -> shapes.ExportTask:
    return shapes.ExportTask(
        task_id=export.id,
        task_name=export.name,
        log_group_name=export.group,
        from_=export.from_ms,
        to=export.to_ms,
        destination=export.bucket,
        destination_prefix=export.prefix,
        status=shapes.ExportTaskStatus(code=export.status, message=export.message),
        execution_info=shapes.ExportTaskExecutionInfo(
            creation_time=export.created_ms, completion_time=export.completed_ms
        ),
    )
