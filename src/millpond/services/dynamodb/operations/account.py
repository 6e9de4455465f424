"""DescribeLimits and DescribeEndpoints."""

from urllib.parse import urlsplit

from millpond.kernel.call import Call
from millpond.services.dynamodb import shapes
from millpond.services.dynamodb.needs import Needs

ACCOUNT_UNITS_MAX = 80_000
TABLE_UNITS_MAX = 40_000
ENDPOINT_KEPT_MINUTES = 1440


async def describe_limits(
    needs: Needs, call: Call, request: shapes.DescribeLimitsInput
) -> shapes.DescribeLimitsOutput:
    """DynamoDB's default quotas of provisioned units. Nothing here is bounded by them.

    Source: DynamoDB API reference, DescribeLimits; developer guide, Quotas.
    """
    return shapes.DescribeLimitsOutput(
        account_max_read_capacity_units=ACCOUNT_UNITS_MAX,
        account_max_write_capacity_units=ACCOUNT_UNITS_MAX,
        table_max_read_capacity_units=TABLE_UNITS_MAX,
        table_max_write_capacity_units=TABLE_UNITS_MAX,
    )


async def describe_endpoints(
    needs: Needs, call: Call, request: shapes.DescribeEndpointsRequest
) -> shapes.DescribeEndpointsResponse:
    """The address that the client used.

    Source: DynamoDB API reference, DescribeEndpoints.
    """
    endpoint = shapes.Endpoint(
        address=urlsplit(call.endpoint).netloc, cache_period_in_minutes=ENDPOINT_KEPT_MINUTES
    )
    return shapes.DescribeEndpointsResponse(endpoints=[endpoint])
