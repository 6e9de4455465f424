"""Applications: made, described, listed and deleted."""

import json
from typing import Any

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.kinesisanalyticsv2 import shapes, store
from millpond.services.kinesisanalyticsv2.describing import describe_application as describe
from millpond.services.kinesisanalyticsv2.errors import (
    InvalidArgument,
    LimitExceeded,
    ResourceInUse,
)
from millpond.services.kinesisanalyticsv2.model.application import Application, Version
from millpond.services.kinesisanalyticsv2.model.configuring import (
    add_logging,
    check_runtime,
    describe_configuration,
)
from millpond.services.kinesisanalyticsv2.model.maintenance import DEFAULT_START
from millpond.services.kinesisanalyticsv2.model.tags import merge_tags
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.operations.scope import (
    new_token,
    require_application,
    require_both,
)
from millpond.services.kinesisanalyticsv2.program import Given, check_program, read_code

APPLICATIONS_MAX = 50
LIST_LIMIT_DEFAULT = 50


async def create_application(
    needs: Needs, call: Call, request: shapes.CreateApplicationRequest
) -> shapes.CreateApplicationResponse:
    """Make an application; its SQL is read and planned, and refused where it is wrong.

    Raises:
        ResourceInUse: the name is taken.
        LimitExceeded: there are 50 applications.
        CodeValidation: the SQL is wrong or not for this engine; the text says where.
        InvalidArgument: the configuration cannot be, or is not implemented.

    Source: API reference, CreateApplication (2018-05-23).
    """
    check_runtime(request.runtime_environment, request.application_mode)
    given: dict[str, Any] = (
        msgspec.to_builtins(request.application_configuration, builtin_types=(bytes,)) or {}
    )
    configuration = describe_configuration(request.runtime_environment, given)
    tags = merge_tags({}, request.tags or [])
    logging: list[dict[str, Any]] = []
    for option in request.cloud_watch_logging_options or []:
        logging = add_logging(logging, {"LogStreamARN": option.log_stream_arn}, 1)
    async with needs.records.transaction() as transaction:
        await _check_room(transaction, call, request.application_name)
    now_ms = needs.clock.now_ms()
    version = Version(
        number=1,
        runtime=request.runtime_environment,
        role=request.service_execution_role,
        created_ms=now_ms,
        configuration=configuration,
        logging=logging,
        token=new_token(needs.ids),
    )
    code = await _read_code(needs, call, request, given)
    if code is not None:
        version = await checked_version(needs, call, version, code)
    application = Application(
        name=request.application_name,
        id=needs.ids.hex(16),
        account=call.account,
        region=call.region,
        created_ms=now_ms,
        updated_ms=now_ms,
        status="READY",
        version=1,
        description=request.application_description,
        mode=request.application_mode,
        window_start=DEFAULT_START,
        tags=tags,
    )
    async with needs.records.transaction() as transaction:
        await _check_room(transaction, call, application.name)
        store.save_application(transaction, call, application)
        store.save_version(transaction, call, application, version)
        if code is not None:
            store.save_code(transaction, call, application, code.data)
    return shapes.CreateApplicationResponse(
        application_detail=describe(application, version, text=_text(code))
    )


async def _check_room(transaction: Transaction, call: Call, name: str) -> None:
    if await store.load_application(transaction, call, name):
        raise ResourceInUse(f"Application already exists: {name}")
    count = 0
    async for _ in store.scan_applications(transaction, call):
        count += 1
    if count >= APPLICATIONS_MAX:
        raise LimitExceeded(f"There are {count} applications: no more are allowed in a region.")


async def _read_code(
    needs: Needs, call: Call, request: shapes.CreateApplicationRequest, given: dict[str, Any]
) -> Given | None:
    """The code that the request brings; an application without may get it later."""
    configuration = given.get("ApplicationCodeConfiguration")
    if configuration is None or configuration.get("CodeContent") is None:
        return None
    return await read_code(
        needs,
        call,
        request.service_execution_role,
        configuration["CodeContentType"],
        configuration["CodeContent"],
    )


async def checked_version(needs: Needs, call: Call, version: Version, code: Given) -> Version:
    """The version with this code, once the engine has planned it. A SQL application without any
    text has nothing to plan; one without an input may tell of streams to come.

    Raises:
        CodeValidation: the code is wrong or not for this engine.
    """
    version = msgspec.structs.replace(version, code=code.code, plan="")
    sql = version.configuration.get("SqlApplicationConfigurationDescription", {})
    if version.is_sql and not (code.data.strip() and sql.get("InputDescriptions")):
        return version
    checked = await check_program(needs, call, version, code.data)
    return msgspec.structs.replace(version, plan=_plan(needs, checked.plan))


def _plan(needs: Needs, plan: str) -> str:
    """The plan, with what runs it: that is not the Flink of the RuntimeEnvironment."""
    installed = needs.streams.installed()
    engine = "" if installed is None else f"{installed.engine} {installed.engine_version}"
    return json.dumps({"engine": f"Millpond streams, {engine}", **json.loads(plan)})


def _text(code: Given | None) -> str | None:
    """The SQL as it is shown: not that of an archive or of an object of S3."""
    if code is None or code.code.zipped or code.code.from_s3:
        return None
    return code.data.decode()


async def load_text(
    transaction: Transaction, call: Call, application: Application, version: Version
) -> str | None:
    """The SQL of a version as it is shown."""
    code = version.code
    if code is None or code.zipped or code.from_s3:
        return None
    return (await store.load_code(transaction, call, application, code.digest)).decode()


async def describe_application(
    needs: Needs, call: Call, request: shapes.DescribeApplicationRequest
) -> shapes.DescribeApplicationResponse:
    """An application as it is now.

    Raises:
        ResourceNotFound: there is none of that name.

    Source: API reference, DescribeApplication (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application, version = await require_both(transaction, call, request.application_name)
        text = await load_text(transaction, call, application, version)
    return shapes.DescribeApplicationResponse(
        application_detail=describe(
            application, version, text=text, details=bool(request.include_additional_details)
        )
    )


async def list_applications(
    needs: Needs, call: Call, request: shapes.ListApplicationsRequest
) -> shapes.ListApplicationsResponse:
    """Applications by name; the token is the name of the last one that was told.

    Source: API reference, ListApplications (2018-05-23).
    """
    limit = request.limit or LIST_LIMIT_DEFAULT
    found: list[shapes.ApplicationSummary] = []
    async with needs.records.transaction() as transaction:
        scan = store.scan_applications(transaction, call, request.next_token or "")
        async for application in scan:
            if len(found) == limit:
                last = found[-1].application_name
                return shapes.ListApplicationsResponse(application_summaries=found, next_token=last)
            version = await store.load_version(transaction, call, application)
            assert version is not None
            found.append(
                shapes.ApplicationSummary(
                    application_name=application.name,
                    application_arn=application.arn,
                    application_status=application.status,
                    application_version_id=application.version,
                    runtime_environment=version.runtime,
                    application_mode=application.mode,
                )
            )
    return shapes.ListApplicationsResponse(application_summaries=found)


async def delete_application(
    needs: Needs, call: Call, request: shapes.DeleteApplicationRequest
) -> shapes.DeleteApplicationResponse:
    """Delete an application, running or not, with its snapshots and state.

    Raises:
        ResourceNotFound: there is none of that name.
        InvalidArgument: CreateTimestamp is not that of the application.

    Source: API reference, DeleteApplication (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application = await require_application(transaction, call, request.application_name)
        if int(request.create_timestamp) != application.created_ms // 1000:
            raise InvalidArgument(
                "CreateTimestamp is not that of the application: it may be another one of the "
                "same name."
            )
        deleting = msgspec.structs.replace(application, status="DELETING")
        store.save_application(transaction, call, deleting)
        store.wake(transaction, call, application.name)
    return shapes.DeleteApplicationResponse()
