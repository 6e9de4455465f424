"""What an application was and what was done with it: its versions and its operations."""

from millpond.kernel.call import Call
from millpond.kernel.pages import Paging
from millpond.services.kinesisanalyticsv2 import shapes, store
from millpond.services.kinesisanalyticsv2.describing import describe_application as describe
from millpond.services.kinesisanalyticsv2.errors import InvalidArgument, ResourceNotFound
from millpond.services.kinesisanalyticsv2.model.application import Operation
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.operations.applications import load_text
from millpond.services.kinesisanalyticsv2.operations.scope import require_both, require_flink

LIST_LIMIT_DEFAULT = 50


async def list_application_versions(
    needs: Needs, call: Call, request: shapes.ListApplicationVersionsRequest
) -> shapes.ListApplicationVersionsResponse:
    """Versions of an application, the newest first.

    Raises:
        ResourceNotFound: there is no such application.
        InvalidArgument: the token is not one of this list.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, ListApplicationVersions (2018-05-23).
    """
    question = (request.application_name,)
    paging = Paging(needs.pages, call, question, lambda error: InvalidArgument(str(error)))
    before = paging.open(request.next_token)
    limit = request.limit or LIST_LIMIT_DEFAULT
    found: list[shapes.ApplicationVersionSummary] = []
    token = None
    async with needs.records.transaction() as transaction:
        application, current = await require_both(transaction, call, request.application_name)
        require_flink(current, "ListApplicationVersions")
        async for version in store.scan_versions(transaction, call, application, before):
            if len(found) == limit:
                token = paging.seal(str(found[-1].application_version_id))
                break
            is_current = version.number == application.version
            status = application.status if is_current else version.stood
            found.append(
                shapes.ApplicationVersionSummary(
                    application_version_id=version.number, application_status=status
                )
            )
    return shapes.ListApplicationVersionsResponse(
        application_version_summaries=found, next_token=token
    )


async def describe_application_version(
    needs: Needs, call: Call, request: shapes.DescribeApplicationVersionRequest
) -> shapes.DescribeApplicationVersionResponse:
    """An application as it was configured in a version.

    Raises:
        ResourceNotFound: there is no such application or version.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, DescribeApplicationVersion (2018-05-23).
    """
    number = request.application_version_id
    async with needs.records.transaction() as transaction:
        application, current = await require_both(transaction, call, request.application_name)
        require_flink(current, "DescribeApplicationVersion")
        version = await store.load_version(transaction, call, application, number)
        if version is None:
            raise ResourceNotFound(f"Application {application.name} has no version {number}.")
        text = await load_text(transaction, call, application, version)
    return shapes.DescribeApplicationVersionResponse(
        application_version_detail=describe(application, version, text=text)
    )


async def list_application_operations(
    needs: Needs, call: Call, request: shapes.ListApplicationOperationsRequest
) -> shapes.ListApplicationOperationsResponse:
    """What was asked of an application, the newest first.

    Raises:
        ResourceNotFound: there is no such application.
        InvalidArgument: the token is not one of this list.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, ListApplicationOperations (2018-05-23).
    """
    question = (request.application_name, request.operation, request.operation_status)
    paging = Paging(needs.pages, call, question, lambda error: InvalidArgument(str(error)))
    position = paging.open(request.next_token)
    limit = request.limit or LIST_LIMIT_DEFAULT
    found: list[Operation] = []
    token = None
    async with needs.records.transaction() as transaction:
        application, current = await require_both(transaction, call, request.application_name)
        require_flink(current, "ListApplicationOperations")
        scan = store.scan_operations(transaction, call, application, position)
        async for place, operation in scan:
            if request.operation not in (None, operation.kind):
                continue
            if request.operation_status not in (None, operation.status):
                continue
            if len(found) == limit:
                token = paging.seal(position)
                break
            position = place
            found.append(operation)
    return shapes.ListApplicationOperationsResponse(
        application_operation_info_list=[
            shapes.ApplicationOperationInfo(
                operation=operation.kind,
                operation_id=operation.id,
                start_time=operation.started_ms / 1000,
                end_time=None if operation.ended_ms is None else operation.ended_ms / 1000,
                operation_status=operation.status,
            )
            for operation in found
        ],
        next_token=token,
    )


async def describe_application_operation(
    needs: Needs, call: Call, request: shapes.DescribeApplicationOperationRequest
) -> shapes.DescribeApplicationOperationResponse:
    """How something that was asked of an application went. EndTime is absent until it has ended.

    Raises:
        ResourceNotFound: there is no such application or operation.
        UnsupportedOperation: it is a SQL application.

    Source: API reference, DescribeApplicationOperation (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application, current = await require_both(transaction, call, request.application_name)
        require_flink(current, "DescribeApplicationOperation")
        wanted = request.operation_id
        operation = await store.find_operation(transaction, call, application, wanted)
    if operation is None:
        raise ResourceNotFound(f"Application {application.name} has no operation {wanted}.")
    details = shapes.ApplicationOperationInfoDetails(
        operation=operation.kind,
        start_time=operation.started_ms / 1000,
        end_time=None if operation.ended_ms is None else operation.ended_ms / 1000,
        operation_status=operation.status,
    )
    if operation.from_version is not None and operation.to_version is not None:
        details.application_version_change_details = shapes.ApplicationVersionChangeDetails(
            application_version_updated_from=operation.from_version,
            application_version_updated_to=operation.to_version,
        )
    if operation.failure:
        details.operation_failure_details = shapes.OperationFailureDetails(
            rollback_operation_id=operation.rollback_operation_id,
            error_info=shapes.ErrorInfo(error_string=operation.failure),
        )
    return shapes.DescribeApplicationOperationResponse(application_operation_info_details=details)
