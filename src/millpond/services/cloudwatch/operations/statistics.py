"""Statistics of one metric: the older way to ask."""

from millpond.kernel.call import Call
from millpond.services.cloudwatch import shapes
from millpond.services.cloudwatch.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
)
from millpond.services.cloudwatch.metering import keep_measurements
from millpond.services.cloudwatch.model.periods import is_period
from millpond.services.cloudwatch.model.samples import Samples
from millpond.services.cloudwatch.model.series import Series, read_dimensions
from millpond.services.cloudwatch.model.statistics import check_statistic, evaluate, percent_of
from millpond.services.cloudwatch.needs import Needs
from millpond.services.cloudwatch.reading import Window, gather

DATAPOINTS_MAX = 1440


async def get_metric_statistics(
    needs: Needs, call: Call, request: shapes.GetMetricStatisticsInput
) -> shapes.GetMetricStatisticsOutput:
    """Statistics of a metric by period and unit, in the order of time.

    Raises:
        InvalidParameterCombination: the times are in the wrong order, there would be more than
            1,440 data points, or no kind of statistic is asked for, or both.
        InvalidParameterValue: there is no such period or statistic.

    Source: CloudWatch API reference, GetMetricStatistics.
    """
    window = _window(needs, request)
    statistics = request.statistics or []
    percentiles = request.extended_statistics or []
    if bool(statistics) == bool(percentiles):
        raise InvalidParameterCombination(
            "Must specify either Statistics or ExtendedStatistics, but not both."
        )
    for statistic in percentiles:
        check_statistic(statistic, "ExtendedStatistics")
        if percent_of(statistic) is None:
            raise InvalidParameterValue(
                f"The value {statistic} for parameter ExtendedStatistics is not supported."
            )
    dimensions = read_dimensions(request.dimensions, "Dimensions")
    series = Series(request.namespace, request.metric_name, dimensions)
    await keep_measurements(needs)
    async with needs.records.transaction() as transaction:
        gathered = await gather(
            transaction, call, series, window, unit=request.unit, with_values=bool(percentiles)
        )
    found = [
        _datapoint(time, unit, gathered[time, unit], statistics, percentiles)
        for time, unit in sorted(gathered)
    ]
    return shapes.GetMetricStatisticsOutput(
        label=request.metric_name,
        datapoints=[
            datapoint
            for datapoint in found
            if not percentiles or datapoint.extended_statistics is not None
        ],
    )


def _window(needs: Needs, request: shapes.GetMetricStatisticsInput) -> Window:
    if request.start_time >= request.end_time:
        raise InvalidParameterCombination(
            "The parameter StartTime must be less than the parameter EndTime."
        )
    if not is_period(request.period):
        raise InvalidParameterValue(
            "The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60."
        )
    window = Window(
        request.start_time, request.end_time, request.period, needs.clock.now_ms() // 1000
    )
    if window.stretches > DATAPOINTS_MAX:
        raise InvalidParameterCombination(
            f"You have requested up to {window.stretches:,} datapoints, which exceeds the limit "
            f"of {DATAPOINTS_MAX:,}. You may reduce the datapoints requested by increasing "
            "Period, or decreasing the time range."
        )
    return window


def _datapoint(
    time: int, unit: str, samples: Samples, statistics: list[shapes.Statistic], more: list[str]
) -> shapes.Datapoint:
    asked = {statistic: evaluate(samples, statistic) for statistic in statistics}
    percentiles = {
        statistic: value
        for statistic in more
        if (value := evaluate(samples, statistic)) is not None
    }
    return shapes.Datapoint(
        timestamp=float(time),
        sample_count=asked.get("SampleCount"),
        average=asked.get("Average"),
        sum=asked.get("Sum"),
        minimum=asked.get("Minimum"),
        maximum=asked.get("Maximum"),
        unit=unit,
        extended_statistics=percentiles or None,
    )
