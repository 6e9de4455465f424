"""Destinations: names, within an account, of streams that subscriptions deliver to.

Source: CloudWatch Logs API reference, PutDestination.
"""

from millpond.kernel.arn import parse_arn
from millpond.kernel.call import Scope

_RESOURCE = "destination:"


def destination_arn(scope: Scope, name: str) -> str:
    return f"arn:aws:logs:{scope.region}:{scope.account}:{_RESOURCE}{name}"


def destination_name(scope: Scope, arn: str) -> str | None:
    """The name of the destination of this account and region that an ARN is of."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "logs" or not parsed.resource.startswith(_RESOURCE):
        return None
    if (parsed.account, parsed.region) != (scope.account, scope.region):
        return None
    return parsed.resource.removeprefix(_RESOURCE)
