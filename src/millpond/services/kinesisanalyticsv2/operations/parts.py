"""Inputs, outputs, reference data sources and logging options: added and deleted one by one."""

from typing import Any

import msgspec

from millpond.kernel.call import Call
from millpond.services.kinesisanalyticsv2 import shapes
from millpond.services.kinesisanalyticsv2.errors import ResourceNotFound, UnsupportedOperation
from millpond.services.kinesisanalyticsv2.model.application import Version
from millpond.services.kinesisanalyticsv2.model.configuring import add_logging
from millpond.services.kinesisanalyticsv2.model.sql_parts import (
    INPUTS,
    OUTPUTS,
    REFERENCES,
    add_part,
    remove_part,
)
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.operations.updates import Change, Updated, update

_SQL = "SqlApplicationConfigurationDescription"


def _adding(kind: str, given: Any) -> Change:
    part = msgspec.to_builtins(given)

    def change(version: Version) -> dict[str, Any]:
        described = add_part(_described(version), kind, part, version.number + 1)
        return {"configuration": version.configuration | {_SQL: described}}

    return change


def _removing(kind: str, part_id: str) -> Change:
    def change(version: Version) -> dict[str, Any]:
        described = remove_part(_described(version), kind, part_id)
        return {"configuration": version.configuration | {_SQL: described}}

    return change


def _described(version: Version) -> dict[str, Any]:
    if not version.is_sql:
        raise UnsupportedOperation(
            f"Inputs, outputs and reference data are not for {version.runtime} applications: their "
            "SQL creates its tables."
        )
    return dict(version.configuration.get(_SQL, {}))


async def add_application_input(
    needs: Needs, call: Call, request: shapes.AddApplicationInputRequest
) -> shapes.AddApplicationInputResponse:
    """Give a SQL application its streaming source.

    Raises:
        ResourceNotFound: there is no such application.
        ConcurrentModification: it is at another version.
        InvalidArgument: the input cannot be, is not implemented, or there is one already.

    Source: API reference, AddApplicationInput (2018-05-23).
    """
    known = (request.current_application_version_id, None)
    change = _adding(INPUTS, request.input)
    done = await update(needs, call, "AddApplicationInput", request.application_name, known, change)
    return shapes.AddApplicationInputResponse(
        application_arn=done.application.arn,
        application_version_id=done.version.number,
        input_descriptions=_parts(done, INPUTS, list[shapes.InputDescription]),
    )


async def add_application_output(
    needs: Needs, call: Call, request: shapes.AddApplicationOutputRequest
) -> shapes.AddApplicationOutputResponse:
    """Have a SQL application write an in-application stream to a destination.

    Raises:
        ResourceNotFound: there is no such application.
        ConcurrentModification: it is at another version.
        InvalidArgument: the output cannot be, is not implemented, or there are three already.

    Source: API reference, AddApplicationOutput (2018-05-23).
    """
    known = (request.current_application_version_id, None)
    change = _adding(OUTPUTS, request.output)
    done = await update(
        needs, call, "AddApplicationOutput", request.application_name, known, change
    )
    return shapes.AddApplicationOutputResponse(
        application_arn=done.application.arn,
        application_version_id=done.version.number,
        output_descriptions=_parts(done, OUTPUTS, list[shapes.OutputDescription]),
    )


async def delete_application_output(
    needs: Needs, call: Call, request: shapes.DeleteApplicationOutputRequest
) -> shapes.DeleteApplicationOutputResponse:
    """Have a SQL application write to a destination no more.

    Raises:
        ResourceNotFound: there is no such application or output.
        ConcurrentModification: it is at another version.

    Source: API reference, DeleteApplicationOutput (2018-05-23).
    """
    known = (request.current_application_version_id, None)
    change = _removing(OUTPUTS, request.output_id)
    done = await update(
        needs, call, "DeleteApplicationOutput", request.application_name, known, change
    )
    return shapes.DeleteApplicationOutputResponse(
        application_arn=done.application.arn, application_version_id=done.version.number
    )


async def add_application_reference_data_source(
    needs: Needs, call: Call, request: shapes.AddApplicationReferenceDataSourceRequest
) -> shapes.AddApplicationReferenceDataSourceResponse:
    """Give a SQL application a table that is read from an object of S3.

    Raises:
        ResourceNotFound: there is no such application.
        ConcurrentModification: it is at another version.
        InvalidArgument: it cannot be, or there is one already.

    Source: API reference, AddApplicationReferenceDataSource (2018-05-23).
    """
    known = (request.current_application_version_id, None)
    change = _adding(REFERENCES, request.reference_data_source)
    done = await update(
        needs, call, "AddApplicationReferenceDataSource", request.application_name, known, change
    )
    return shapes.AddApplicationReferenceDataSourceResponse(
        application_arn=done.application.arn,
        application_version_id=done.version.number,
        reference_data_source_descriptions=_parts(
            done, REFERENCES, list[shapes.ReferenceDataSourceDescription]
        ),
    )


async def delete_application_reference_data_source(
    needs: Needs, call: Call, request: shapes.DeleteApplicationReferenceDataSourceRequest
) -> shapes.DeleteApplicationReferenceDataSourceResponse:
    """Take a table that is read from S3 from a SQL application.

    Raises:
        ResourceNotFound: there is no such application or reference data source.
        ConcurrentModification: it is at another version.
        CodeValidation: the SQL reads it.

    Source: API reference, DeleteApplicationReferenceDataSource (2018-05-23).
    """
    known = (request.current_application_version_id, None)
    change = _removing(REFERENCES, request.reference_id)
    done = await update(
        needs,
        call,
        "DeleteApplicationReferenceDataSource",
        request.application_name,
        known,
        change,
    )
    return shapes.DeleteApplicationReferenceDataSourceResponse(
        application_arn=done.application.arn, application_version_id=done.version.number
    )


def _parts(done: Updated, kind: str, wanted: Any) -> Any:
    return msgspec.convert(done.version.configuration[_SQL].get(kind, []), wanted)


async def add_application_cloud_watch_logging_option(
    needs: Needs, call: Call, request: shapes.AddApplicationCloudWatchLoggingOptionRequest
) -> shapes.AddApplicationCloudWatchLoggingOptionResponse:
    """Have an application tell what it does in a log stream of one's own.

    Raises:
        ResourceNotFound: there is no such application.
        ConcurrentModification: it is at another version.
        LimitExceeded: it has a log stream already.

    Source: API reference, AddApplicationCloudWatchLoggingOption (2018-05-23).
    """
    option = {"LogStreamARN": request.cloud_watch_logging_option.log_stream_arn}
    done = await update(
        needs,
        call,
        "AddApplicationCloudWatchLoggingOption",
        request.application_name,
        (request.current_application_version_id, request.conditional_token),
        lambda version: {"logging": add_logging(version.logging, option, version.number + 1)},
        check=False,
    )
    return shapes.AddApplicationCloudWatchLoggingOptionResponse(
        application_arn=done.application.arn,
        application_version_id=done.version.number,
        cloud_watch_logging_option_descriptions=_options(done),
        operation_id=done.operation_id,
    )


async def delete_application_cloud_watch_logging_option(
    needs: Needs, call: Call, request: shapes.DeleteApplicationCloudWatchLoggingOptionRequest
) -> shapes.DeleteApplicationCloudWatchLoggingOptionResponse:
    """Have an application tell what it does in its default log stream again.

    Raises:
        ResourceNotFound: there is no such application or logging option.
        ConcurrentModification: it is at another version.

    Source: API reference, DeleteApplicationCloudWatchLoggingOption (2018-05-23).
    """
    gone = request.cloud_watch_logging_option_id

    def change(version: Version) -> dict[str, Any]:
        left = [one for one in version.logging if one["CloudWatchLoggingOptionId"] != gone]
        if len(left) == len(version.logging):
            raise ResourceNotFound(f"The application has no logging option with the id {gone}.")
        return {"logging": left}

    done = await update(
        needs,
        call,
        "DeleteApplicationCloudWatchLoggingOption",
        request.application_name,
        (request.current_application_version_id, request.conditional_token),
        change,
        check=False,
    )
    return shapes.DeleteApplicationCloudWatchLoggingOptionResponse(
        application_arn=done.application.arn,
        application_version_id=done.version.number,
        cloud_watch_logging_option_descriptions=_options(done),
        operation_id=done.operation_id,
    )


def _options(done: Updated) -> list[shapes.CloudWatchLoggingOptionDescription]:
    return msgspec.convert(done.version.logging, list[shapes.CloudWatchLoggingOptionDescription])
