"""Samples and statistics of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.kernel.errors import ServiceError
from millpond.services.cloudwatch.model.samples import (
    DISTINCT_MAX,
    Samples,
    of_values,
    percentile,
)
from millpond.services.cloudwatch.model.statistics import check_statistic, evaluate, percent_of

VALUES = st.lists(st.integers(0, 50).map(float), min_size=1, max_size=40)


def of_list(values: list[float]) -> Samples:
    return of_values({value: float(values.count(value)) for value in values})


@given(VALUES, VALUES)
def test_joined_samples_are_those_of_all_values(first: list[float], second: list[float]) -> None:
    joined = of_list(first)
    joined.add(of_list(second))
    assert joined == of_list(first + second)


@given(VALUES, st.floats(0, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(
    values: list[float], percent: float
) -> None:
    found = percentile(of_list(values), percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100
    below = sum(value < found for value in values)
    assert below < len(values) * percent / 100 or below == 0


def test_sums_without_their_values_have_no_percentiles_unless_all_are_alike() -> None:
    assert percentile(Samples(3, 6, 1, 3), 50) is None
    assert percentile(Samples(3, 6, 2, 2), 99) == 2
    mixed = of_values({1.0: 1.0})
    mixed.add(Samples(3, 6, 1, 3))
    assert (mixed.count, mixed.total, percentile(mixed, 50)) == (4, 7, None)


def test_negative_values_have_no_percentiles() -> None:
    assert percentile(of_values({-1.0: 1.0, 2.0: 1.0}), 50) is None


def test_many_values_are_thinned_out_and_percentiles_stay_close() -> None:
    samples = of_values({1.0: 1.0})
    for value in range(2, 20_001):
        samples.add(of_values({float(value): 1.0}))
    assert samples.values is not None
    assert len(samples.values) <= DISTINCT_MAX
    assert (samples.count, samples.total) == (20_000, 20_000 * 20_001 / 2)
    assert math.fsum(samples.values.values()) == 20_000
    for percent in (1, 10, 50, 90, 99, 99.9):
        assert percentile(samples, percent) == pytest.approx(200 * percent, rel=0.1)


@pytest.mark.parametrize(
    ("statistic", "percent"),
    [("p0", 0.0), ("p99.9", 99.9), ("p100", 100.0), ("p101", None), ("P50", None), ("p", None)],
)
def test_percentiles_are_named_as_aws_names_them(statistic: str, percent: float | None) -> None:
    assert percent_of(statistic) == percent


def test_statistics_that_are_not_there_are_refused_by_name() -> None:
    for statistic in ("tm90", "TM(10%:90%)", "IQM", "PR(:300)", "wm98"):
        with pytest.raises(ServiceError, match="is not implemented"):
            check_statistic(statistic, "Stat")
    with pytest.raises(ServiceError, match="value Mean for parameter Stat is not supported"):
        check_statistic("Mean", "Stat")


def test_the_five_statistics() -> None:
    samples = of_values({1.0: 2.0, 4.0: 1.0})
    found = {
        statistic: evaluate(samples, statistic)
        for statistic in ("SampleCount", "Sum", "Average", "Minimum", "Maximum")
    }
    assert found == {"SampleCount": 3, "Sum": 6, "Average": 2, "Minimum": 1, "Maximum": 4}
