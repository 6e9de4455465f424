"""Metric filters and subscription filters of log groups, and the rules for them.

Source: CloudWatch Logs API reference, PutMetricFilter, PutSubscriptionFilter; user guide,
"CloudWatch Logs quotas".
"""

import msgspec

from millpond.services.logs.errors import InvalidParameter, LimitExceeded
from millpond.services.logs.patterns import InvalidPattern, Pattern, compile_pattern
from millpond.services.logs.patterns.comparisons import read_number
from millpond.services.logs.shapes import StandardUnit

METRIC_FILTERS_MAX = 100
SUBSCRIPTIONS_MAX = 2
REGEX_FILTERS_MAX = 5
"""Filters of a group whose patterns hold regular expressions."""
DIMENSIONS_MAX = 3


class MetricFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`value` is a number, or the field to take it from; `dimensions` are names and fields."""

    name: str
    pattern: str
    created_ms: int
    metric: str
    namespace: str
    value: str
    default: float | None = None
    unit: StandardUnit | None = None
    dimensions: dict[str, str] = {}


class Subscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`id` belongs to one life of a subscription: what waits to be delivered is kept under it."""

    id: str
    name: str
    pattern: str
    created_ms: int
    destination_arn: str
    role_arn: str | None = None
    distribution: str = "ByLogStream"


class Filters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The filters of one group, by their names."""

    metric: dict[str, MetricFilter] = {}
    subscriptions: dict[str, Subscription] = {}


def read_pattern(text: str) -> Pattern:
    """What a filter pattern means.

    Raises:
        InvalidParameter: it cannot be read.
    """
    try:
        return compile_pattern(text)
    except InvalidPattern as error:
        raise InvalidParameter(str(error)) from None


def check_metric_filter(given: MetricFilter) -> None:
    """Refuse a metric filter that could not work.

    Raises:
        InvalidParameter: the value or a dimension is not a field of the pattern, a default value
            is given beside dimensions, or the namespace is AWS's own.
    """
    pattern = read_pattern(given.pattern)
    if given.namespace.startswith("AWS/"):
        raise InvalidParameter("Metric namespaces that begin with AWS/ are reserved for AWS.")
    if len(given.dimensions) > DIMENSIONS_MAX:
        raise InvalidParameter(f"A metric filter can have at most {DIMENSIONS_MAX} dimensions.")
    if given.dimensions and given.default is not None:
        raise InvalidParameter(
            "Invalid metric transformation: dimensions and default value are mutually exclusive "
            "properties."
        )
    if read_number(given.value) is None and not given.value.startswith("$"):
        raise InvalidParameter(
            f"Invalid metric transformation: metricValue {given.value} is neither a number nor a "
            "field."
        )
    references = [given.value] if given.value.startswith("$") else []
    for reference in (*references, *given.dimensions.values()):
        try:
            pattern.check_reference(reference)
        except InvalidPattern as error:
            raise InvalidParameter(f"Invalid metric transformation: {error}") from None


def check_room(filters: Filters) -> None:
    """Refuse more filters than a group can have.

    Raises:
        LimitExceeded: there are too many, or too many with regular expressions.
    """
    if len(filters.metric) > METRIC_FILTERS_MAX or len(filters.subscriptions) > SUBSCRIPTIONS_MAX:
        raise LimitExceeded("Resource limit exceeded.")
    patterns = [kept.pattern for kept in filters.metric.values()]
    patterns += [kept.pattern for kept in filters.subscriptions.values()]
    if sum(compile_pattern(pattern).regexes > 0 for pattern in patterns) > REGEX_FILTERS_MAX:
        raise LimitExceeded(
            f"A log group can have at most {REGEX_FILTERS_MAX} filters with regular expressions."
        )
