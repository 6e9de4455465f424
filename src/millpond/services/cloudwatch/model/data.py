"""What PutMetricData takes: the rules for one datum.

Source: CloudWatch API reference, MetricDatum and PutMetricData.
"""

import math

from millpond.services.cloudwatch.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingRequiredParameter,
)
from millpond.services.cloudwatch.model.periods import DAY, HOUR
from millpond.services.cloudwatch.model.samples import Samples, of_values
from millpond.services.cloudwatch.shapes import MetricDatum, StatisticSet

DATA_MAX = 1000
VALUES_MAX = 150
VALUE_MAX = 2.0**360
PAST_SECONDS_MAX = 14 * DAY
FUTURE_SECONDS_MAX = 2 * HOUR


def read_samples(datum: MetricDatum, parameter: str) -> Samples:
    """The samples of a datum, which `parameter` names in refusals (`MetricData.member.1`).

    Raises:
        InvalidParameterCombination: values are given in more than one way.
        MissingRequiredParameter: there are none.
        InvalidParameterValue: one of them is out of range.
    """
    ways = {
        "Value": datum.value,
        "Values": datum.values or None,
        "StatisticValues": datum.statistic_values,
    }
    given = [f"{parameter}.{name}" for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise InvalidParameterCombination(
            f"The parameters {given[0]} and {given[1]} are mutually exclusive and you have "
            "specified both."
        )
    if datum.statistic_values is not None:
        return _of_set(datum.statistic_values, f"{parameter}.StatisticValues")
    if datum.value is not None:
        _check_value(datum.value, f"{parameter}.Value")
        return of_values({datum.value: 1.0})
    if datum.values:
        return _of_list(datum.values, datum.counts, parameter)
    raise MissingRequiredParameter(
        f"At least one of the parameters {parameter}.Value, {parameter}.Values and "
        f"{parameter}.StatisticValues must be specified."
    )


def read_time(datum: MetricDatum, parameter: str, now: float) -> int:
    """The second of a datum; now, without one.

    Raises:
        InvalidParameterValue: it is too long ago, or too far ahead.
    """
    time = now if datum.timestamp is None else datum.timestamp
    if time < now - PAST_SECONDS_MAX:
        raise InvalidParameterValue(
            f"The parameter {parameter}.Timestamp must specify a time no more than two weeks in "
            "the past."
        )
    if time > now + FUTURE_SECONDS_MAX:
        raise InvalidParameterValue(
            f"The parameter {parameter}.Timestamp must specify a time no more than two hours in "
            "the future."
        )
    return int(time)


def read_fine(datum: MetricDatum, parameter: str) -> bool:
    """Whether a datum is to be kept by the second.

    Raises:
        InvalidParameterValue: the resolution is neither 1 nor 60.
    """
    if datum.storage_resolution not in (None, 1, 60):
        raise InvalidParameterValue(
            f"The value {datum.storage_resolution} for parameter {parameter}.StorageResolution is "
            "invalid. Valid values are 1 and 60."
        )
    return datum.storage_resolution == 1


def _of_set(given: StatisticSet, parameter: str) -> Samples:
    _check_value(given.sum, f"{parameter}.Sum")
    _check_value(given.minimum, f"{parameter}.Minimum")
    _check_value(given.maximum, f"{parameter}.Maximum")
    _check_count(given.sample_count, f"{parameter}.SampleCount")
    if given.sample_count == 0:
        raise InvalidParameterValue(
            f"The parameter {parameter}.SampleCount must be greater than 0."
        )
    if given.minimum > given.maximum:
        raise InvalidParameterValue(
            f"The parameter {parameter}.Maximum must be greater than or equal to "
            f"{parameter}.Minimum."
        )
    return Samples(given.sample_count, given.sum, given.minimum, given.maximum)


def _of_list(values: list[float], counts: list[float] | None, parameter: str) -> Samples:
    if len(values) > VALUES_MAX:
        raise InvalidParameterValue(
            f"The collection {parameter}.Values must not have a size greater than {VALUES_MAX}."
        )
    if counts is not None and len(counts) != len(values):
        raise InvalidParameterValue(
            f"The parameters {parameter}.Values and {parameter}.Counts must be of the same size."
        )
    came: dict[float, float] = {}
    for value, count in zip(values, counts or [1.0] * len(values), strict=True):
        _check_value(value, f"{parameter}.Values")
        _check_count(count, f"{parameter}.Counts")
        if count:
            came[value] = came.get(value, 0.0) + count
    if not came:
        raise InvalidParameterValue(f"The parameter {parameter}.Counts counts no value.")
    return of_values(came)


def _check_value(value: float, parameter: str) -> None:
    if not math.isfinite(value) or abs(value) > VALUE_MAX:
        raise InvalidParameterValue(
            f"The value {_shown(value)} for parameter {parameter} is invalid."
        )


def _check_count(count: float, parameter: str) -> None:
    if not 0 <= count <= VALUE_MAX:
        raise InvalidParameterValue(
            f"The value {_shown(count)} for parameter {parameter} is invalid."
        )


def _shown(value: float) -> str:
    return "NaN" if math.isnan(value) else str(value).replace("inf", "Infinity")
