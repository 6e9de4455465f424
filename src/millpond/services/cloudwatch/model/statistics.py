"""Statistics by AWS's names, read from samples."""

import re

from millpond.services.cloudwatch.errors import InvalidParameterValue
from millpond.services.cloudwatch.model.samples import Samples, percentile

_PERCENTILE = re.compile(r"p(100(?:\.0{1,10})?|\d{1,2}(?:\.\d{1,10})?)")
_TRIMMED = re.compile(r"(?:tm|wm|tc|ts|pr|iqm)\b.*|(?:tm|wm|tc|ts)[\d.]+", re.IGNORECASE)
SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


def percent_of(statistic: str) -> float | None:
    """The percentage that `p99.9` asks for; None when it is no percentile."""
    found = _PERCENTILE.fullmatch(statistic)
    return None if found is None else float(found[1])


def check_statistic(statistic: str, parameter: str) -> None:
    """Refuse what cannot be read from samples.

    Raises:
        InvalidParameterValue: there is no such statistic, or it is not implemented.
    """
    if statistic in SIMPLE or percent_of(statistic) is not None:
        return
    if _TRIMMED.fullmatch(statistic):
        raise InvalidParameterValue(f"The statistic {statistic} is not implemented.")
    raise InvalidParameterValue(
        f"The value {statistic} for parameter {parameter} is not supported."
    )


def evaluate(samples: Samples, statistic: str) -> float | None:
    """A statistic that was checked; None where the samples do not tell it."""
    percent = percent_of(statistic)
    if percent is not None:
        return percentile(samples, percent)
    match statistic:
        case "SampleCount":
            return samples.count
        case "Average":
            return samples.total / samples.count
        case "Sum":
            return samples.total
        case "Minimum":
            return samples.low
        case _:
            return samples.high
