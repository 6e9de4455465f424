"""Values of many metrics: the newer way to ask."""

import re
from dataclasses import dataclass

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.cloudwatch import shapes
from millpond.services.cloudwatch.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingRequiredParameter,
    not_implemented,
)
from millpond.services.cloudwatch.metering import keep_measurements
from millpond.services.cloudwatch.model.periods import is_period
from millpond.services.cloudwatch.model.series import Series, read_dimensions
from millpond.services.cloudwatch.model.statistics import check_statistic, evaluate, percent_of
from millpond.services.cloudwatch.needs import Needs
from millpond.services.cloudwatch.operations.paging import pages_of
from millpond.services.cloudwatch.reading import Window, gather

QUERIES_MAX = 500
DATAPOINTS_MAX = 100_800
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Question:
    """One query that was checked."""

    id: str
    label: str
    series: Series
    period: int
    statistic: str
    unit: str | None


async def get_metric_data(
    needs: Needs, call: Call, request: shapes.GetMetricDataInput
) -> shapes.GetMetricDataOutput:
    """A statistic of each of many metrics by period, the newest value first unless asked otherwise.

    Values of all units are taken together where no unit is named.

    Raises:
        InvalidParameterValue: a query is not one of CloudWatch's, or metric math, which is not
            implemented.
        InvalidNextToken: the token was given for another question.

    Source: CloudWatch API reference, GetMetricData.
    """
    questions = _read_questions(call, request)
    count_max = DATAPOINTS_MAX if request.max_datapoints is None else request.max_datapoints
    if not 1 <= count_max <= DATAPOINTS_MAX:
        raise InvalidParameterValue(
            f"The parameter MaxDatapoints must be between 1 and {DATAPOINTS_MAX}."
        )
    if request.start_time >= request.end_time:
        raise InvalidParameterValue(
            "The parameter StartTime must be less than the parameter EndTime."
        )
    newest_first = request.scan_by != "TimestampAscending"
    paging = pages_of(needs, call, questions, request.start_time, request.end_time, newest_first)
    number, passed, now = _position(paging.open(request.next_token), needs)
    await keep_measurements(needs)
    first = number
    results: list[shapes.MetricDataResult] = []
    async with needs.records.transaction() as transaction:
        while number < len(questions) and count_max > 0:
            question = questions[number]
            window = Window(request.start_time, request.end_time, question.period, now)
            values = await _values(transaction, call, question, window)
            if newest_first:
                values.reverse()
            if passed is not None:
                values = [
                    (time, value)
                    for time, value in values
                    if (time < passed if newest_first else time > passed)
                ]
            page = values[:count_max]
            count_max -= len(page)
            complete = len(page) == len(values)
            results.append(_result(question, page, complete))
            if not complete:
                passed = page[-1][0]
                break
            number, passed = number + 1, None
    if number == len(questions):
        return shapes.GetMetricDataOutput(metric_data_results=results, messages=[])
    results += [_result(question, [], False) for question in questions[len(results) + first :]]
    return shapes.GetMetricDataOutput(
        metric_data_results=results,
        next_token=paging.seal(f"{number} {passed or 0} {now}"),
        messages=[],
    )


def _position(position: str, needs: Needs) -> tuple[int, int | None, int]:
    """The query to go on with, the time of its last value that was answered, and when the first
    page was asked: what is seen through a period must not change from page to page."""
    if not position:
        return 0, None, needs.clock.now_ms() // 1000
    number, passed, now = position.split()
    return int(number), int(passed) or None, int(now)


async def _values(
    transaction: Transaction, call: Call, question: Question, window: Window
) -> list[tuple[int, float]]:
    """Times and values in the order of time."""
    gathered = await gather(
        transaction,
        call,
        question.series,
        window,
        unit=question.unit,
        with_values=percent_of(question.statistic) is not None,
        by_unit=False,
    )
    return [
        (time, value)
        for (time, _), samples in sorted(gathered.items(), key=lambda entry: entry[0])
        if (value := evaluate(samples, question.statistic)) is not None
    ]


def _result(
    question: Question, values: list[tuple[int, float]], complete: bool
) -> shapes.MetricDataResult:
    return shapes.MetricDataResult(
        id=question.id,
        label=question.label,
        timestamps=[float(time) for time, _ in values],
        values=[value for _, value in values],
        status_code="Complete" if complete else "PartialData",
    )


def _read_questions(call: Call, request: shapes.GetMetricDataInput) -> list[Question]:
    """The queries whose values are answered, checked."""
    queries = request.metric_data_queries
    if not queries:
        raise MissingRequiredParameter("The parameter MetricDataQueries is required.")
    if len(queries) > QUERIES_MAX:
        raise InvalidParameterValue(
            f"The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
        )
    if len({query.id for query in queries}) < len(queries):
        raise InvalidParameterValue(
            "The values for parameter id in MetricDataQueries are not unique."
        )
    questions = [
        (query, _read_question(call, query, f"MetricDataQueries.member.{number}"))
        for number, query in enumerate(queries, 1)
    ]
    answered = [question for query, question in questions if query.return_data is not False]
    if not answered:
        raise InvalidParameterValue(
            "At least one of the MetricDataQueries must have ReturnData set to true."
        )
    return answered


def _read_question(call: Call, query: shapes.MetricDataQuery, parameter: str) -> Question:
    if not _ID.fullmatch(query.id):
        raise InvalidParameterValue(
            f"The value {query.id} for parameter {parameter}.Id is not matching the expected "
            "pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    if query.metric_stat is not None and query.expression is not None:
        raise InvalidParameterCombination(
            f"The parameters {parameter}.Expression and {parameter}.MetricStat are mutually "
            "exclusive and you have specified both."
        )
    not_implemented(
        (f"{parameter}.Expression", query.expression),
        (f"{parameter}.AccountId of another account", query.account_id not in (None, call.account)),
        (f"{parameter}.Label with ${{…}}", "${" in (query.label or "")),
    )
    stat = query.metric_stat
    if stat is None:
        raise MissingRequiredParameter(f"The parameter {parameter}.MetricStat is required.")
    if query.period is not None:
        raise InvalidParameterCombination(
            f"The parameter {parameter}.Period must not be specified together with MetricStat."
        )
    if not is_period(stat.period):
        raise InvalidParameterValue(
            f"The parameter {parameter}.MetricStat.Period must be 1, 5, 10, 20, 30, or a multiple "
            "of 60."
        )
    check_statistic(stat.stat, f"{parameter}.MetricStat.Stat")
    return Question(
        id=query.id,
        label=query.label if query.label is not None else stat.metric.metric_name or "",
        series=_read_series(stat.metric, f"{parameter}.MetricStat.Metric"),
        period=stat.period,
        statistic=stat.stat,
        unit=stat.unit,
    )


def _read_series(metric: shapes.Metric, parameter: str) -> Series:
    if metric.namespace is None or metric.metric_name is None:
        missing = "Namespace" if metric.namespace is None else "MetricName"
        raise MissingRequiredParameter(f"The parameter {parameter}.{missing} is required.")
    dimensions = read_dimensions(metric.dimensions, f"{parameter}.Dimensions")
    return Series(metric.namespace, metric.metric_name, dimensions)
