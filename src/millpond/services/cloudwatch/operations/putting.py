"""Taking in measurements."""

from millpond.kernel.call import Call
from millpond.services.cloudwatch import shapes, store
from millpond.services.cloudwatch.errors import (
    InvalidParameterValue,
    MissingRequiredParameter,
    not_implemented,
)
from millpond.services.cloudwatch.model.data import (
    DATA_MAX,
    read_fine,
    read_samples,
    read_time,
)
from millpond.services.cloudwatch.model.samples import Samples
from millpond.services.cloudwatch.model.series import (
    Point,
    Series,
    check_text,
    read_dimensions,
)
from millpond.services.cloudwatch.needs import Needs


async def put_metric_data(needs: Needs, call: Call, request: shapes.PutMetricDataInput) -> None:
    """Add measurements to metrics, which come into being with their first one.

    Raises:
        InvalidParameterValue: a name, value or time is not allowed, or there is too much.
        MissingRequiredParameter: a datum has no value, or there is no datum.

    Source: CloudWatch API reference, PutMetricData.
    """
    not_implemented(("EntityMetricData", request.entity_metric_data))
    check_text(request.namespace, "Namespace")
    if request.namespace.startswith("AWS/"):
        raise InvalidParameterValue("The value AWS/ for parameter Namespace is invalid.")
    if not request.metric_data:
        raise MissingRequiredParameter("The parameter MetricData is required.")
    if len(request.metric_data) > DATA_MAX:
        raise InvalidParameterValue(
            f"The collection MetricData must not have a size greater than {DATA_MAX}."
        )
    now_ms = needs.clock.now_ms()
    points = [
        _read(request.namespace, datum, f"MetricData.member.{number}", now_ms / 1000)
        for number, datum in enumerate(request.metric_data, 1)
    ]
    async with needs.records.transaction() as transaction:
        await store.add_samples(transaction, call, points, now_ms // 1000)


def _read(
    namespace: str, datum: shapes.MetricDatum, parameter: str, now: float
) -> tuple[Point, Samples]:
    check_text(datum.metric_name, f"{parameter}.MetricName")
    dimensions = read_dimensions(datum.dimensions, f"{parameter}.Dimensions")
    point = Point(
        series=Series(namespace, datum.metric_name, dimensions),
        unit=datum.unit or "None",
        time=read_time(datum, parameter, now),
        fine=read_fine(datum, parameter),
    )
    return point, read_samples(datum, parameter)
