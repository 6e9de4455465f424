"""Inputs, outputs, reference data and logging options of SQL applications; schemas; tags."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.kinesisanalytics import shapes
from millpond.services.kinesisanalytics.needs import V2, Needs
from millpond.services.kinesisanalytics.operations.scope import require_sql
from millpond.services.kinesisanalytics.translation import plain, role_of


async def _pass_on(
    needs: Needs, call: Call, operation: str, request: msgspec.Struct, name: str
) -> None:
    """Call version 2's operation of the same name with the same members."""
    await require_sql(needs, call, name)
    await needs.call_aws(call, V2, operation, **plain(request))


async def add_application_input(
    needs: Needs, call: Call, request: shapes.AddApplicationInputRequest
) -> shapes.AddApplicationInputResponse:
    """Give a SQL application its streaming source.

    Source: API reference, AddApplicationInput (2015-08-14).
    """
    await _pass_on(needs, call, "AddApplicationInput", request, request.application_name)
    return shapes.AddApplicationInputResponse()


async def add_application_output(
    needs: Needs, call: Call, request: shapes.AddApplicationOutputRequest
) -> shapes.AddApplicationOutputResponse:
    """Have a SQL application write an in-application stream to a destination.

    Source: API reference, AddApplicationOutput (2015-08-14).
    """
    await _pass_on(needs, call, "AddApplicationOutput", request, request.application_name)
    return shapes.AddApplicationOutputResponse()


async def delete_application_output(
    needs: Needs, call: Call, request: shapes.DeleteApplicationOutputRequest
) -> shapes.DeleteApplicationOutputResponse:
    """Have a SQL application write to a destination no more.

    Source: API reference, DeleteApplicationOutput (2015-08-14).
    """
    await _pass_on(needs, call, "DeleteApplicationOutput", request, request.application_name)
    return shapes.DeleteApplicationOutputResponse()


async def add_application_reference_data_source(
    needs: Needs, call: Call, request: shapes.AddApplicationReferenceDataSourceRequest
) -> shapes.AddApplicationReferenceDataSourceResponse:
    """Give a SQL application a table that is read from an object of S3.

    Source: API reference, AddApplicationReferenceDataSource (2015-08-14).
    """
    name = request.application_name
    await _pass_on(needs, call, "AddApplicationReferenceDataSource", request, name)
    return shapes.AddApplicationReferenceDataSourceResponse()


async def delete_application_reference_data_source(
    needs: Needs, call: Call, request: shapes.DeleteApplicationReferenceDataSourceRequest
) -> shapes.DeleteApplicationReferenceDataSourceResponse:
    """Take a table that is read from S3 from a SQL application.

    Source: API reference, DeleteApplicationReferenceDataSource (2015-08-14).
    """
    name = request.application_name
    await _pass_on(needs, call, "DeleteApplicationReferenceDataSource", request, name)
    return shapes.DeleteApplicationReferenceDataSourceResponse()


async def add_application_cloud_watch_logging_option(
    needs: Needs, call: Call, request: shapes.AddApplicationCloudWatchLoggingOptionRequest
) -> shapes.AddApplicationCloudWatchLoggingOptionResponse:
    """Have a SQL application tell what it does in a log stream of one's own.

    Source: API reference, AddApplicationCloudWatchLoggingOption (2015-08-14).
    """
    name = request.application_name
    await _pass_on(needs, call, "AddApplicationCloudWatchLoggingOption", request, name)
    return shapes.AddApplicationCloudWatchLoggingOptionResponse()


async def delete_application_cloud_watch_logging_option(
    needs: Needs, call: Call, request: shapes.DeleteApplicationCloudWatchLoggingOptionRequest
) -> shapes.DeleteApplicationCloudWatchLoggingOptionResponse:
    """Have a SQL application tell what it does in its default log stream again.

    Source: API reference, DeleteApplicationCloudWatchLoggingOption (2015-08-14).
    """
    name = request.application_name
    await _pass_on(needs, call, "DeleteApplicationCloudWatchLoggingOption", request, name)
    return shapes.DeleteApplicationCloudWatchLoggingOptionResponse()


async def discover_input_schema(
    needs: Needs, call: Call, request: shapes.DiscoverInputSchemaRequest
) -> shapes.DiscoverInputSchemaResponse:
    """The schema of what a Kinesis stream or an object of S3 holds.

    Source: API reference, DiscoverInputSchema (2015-08-14).
    """
    role = role_of(call, "schema", request)
    answer = await needs.call_aws(
        call, V2, "DiscoverInputSchema", ServiceExecutionRole=role, **plain(request)
    )
    return msgspec.convert(answer, shapes.DiscoverInputSchemaResponse)


async def tag_resource(
    needs: Needs, call: Call, request: shapes.TagResourceRequest
) -> shapes.TagResourceResponse:
    """Add tags to an application, or replace their values.

    Source: API reference, TagResource (2015-08-14).
    """
    await needs.call_aws(call, V2, "TagResource", **plain(request))
    return shapes.TagResourceResponse()


async def untag_resource(
    needs: Needs, call: Call, request: shapes.UntagResourceRequest
) -> shapes.UntagResourceResponse:
    """Remove tags from an application.

    Source: API reference, UntagResource (2015-08-14).
    """
    await needs.call_aws(call, V2, "UntagResource", **plain(request))
    return shapes.UntagResourceResponse()


async def list_tags_for_resource(
    needs: Needs, call: Call, request: shapes.ListTagsForResourceRequest
) -> shapes.ListTagsForResourceResponse:
    """Tags of an application, by key.

    Source: API reference, ListTagsForResource (2015-08-14).
    """
    answer = await needs.call_aws(call, V2, "ListTagsForResource", **plain(request))
    return msgspec.convert(answer, shapes.ListTagsForResourceResponse)
