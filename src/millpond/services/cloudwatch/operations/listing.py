"""Which metrics there are."""

from millpond.kernel.call import Call
from millpond.services.cloudwatch import shapes, store
from millpond.services.cloudwatch.errors import not_implemented
from millpond.services.cloudwatch.metering import keep_measurements
from millpond.services.cloudwatch.model.periods import DAY, HOUR
from millpond.services.cloudwatch.model.series import Series
from millpond.services.cloudwatch.needs import Needs
from millpond.services.cloudwatch.operations.paging import pages_of

PAGE_SIZE = 500
LISTED_SECONDS = 14 * DAY
"""How long a metric is listed after its last measurement."""
RECENT_SECONDS = 3 * HOUR + 50 * 60
"""AWS answers up to 50 minutes more than the three hours that were asked for."""


async def list_metrics(
    needs: Needs, call: Call, request: shapes.ListMetricsInput
) -> shapes.ListMetricsOutput:
    """Metrics with measurements of the last two weeks, by namespace and name.

    Source: CloudWatch API reference, ListMetrics.
    """
    not_implemented(
        ("IncludeLinkedAccounts", request.include_linked_accounts),
        ("OwningAccount", (request.owning_account or call.account) != call.account),
    )
    await keep_measurements(needs)
    wanted = [(wish.name, wish.value) for wish in request.dimensions or ()]
    paging = pages_of(
        needs, call, request.namespace, request.metric_name, wanted, request.recently_active
    )
    after = bytes.fromhex(paging.open(request.next_token))
    age = RECENT_SECONDS if request.recently_active else LISTED_SECONDS
    oldest = needs.clock.now_ms() // 1000 - age
    name = request.metric_name or ""
    found: list[shapes.Metric] = []
    async with needs.records.transaction() as transaction:
        listed_metrics = store.scan_listed(transaction, call, request.namespace or "", name, after)
        async for position, listed in listed_metrics:
            series = listed.series
            if listed.seen < oldest or (name and series.name != name):
                continue
            if not _has(series, wanted):
                continue
            if len(found) == PAGE_SIZE:
                return shapes.ListMetricsOutput(metrics=found, next_token=paging.seal(after.hex()))
            found.append(_answer(series))
            after = position
    return shapes.ListMetricsOutput(metrics=found)


def _has(series: Series, wanted: list[tuple[str, str | None]]) -> bool:
    have = dict(series.dimensions)
    return all(name in have and value in (None, have[name]) for name, value in wanted)


def _answer(series: Series) -> shapes.Metric:
    dimensions = [shapes.Dimension(name=name, value=value) for name, value in series.dimensions]
    return shapes.Metric(namespace=series.namespace, metric_name=series.name, dimensions=dimensions)
