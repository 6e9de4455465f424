"""Keeps what the services measured of their own work (`kernel.metrics`).

Everything is drained before a question is answered, and from time to time. What cannot be written
goes back to the meter: it is part of the next try.
"""

from functools import partial
from itertools import islice

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.metrics import Metric, Statistics
from millpond.services.cloudwatch import store
from millpond.services.cloudwatch.model.samples import Samples
from millpond.services.cloudwatch.model.series import Point, Series
from millpond.services.cloudwatch.needs import Needs

WRITTEN_AT_ONCE = 2000
"""Measurements of one transaction: bounds what a lost race writes again."""

Measured = dict[tuple[Metric, int], Statistics]


async def keep_measurements(needs: Needs) -> None:
    """Write down everything that was measured and is not written yet.

    Raises:
        EngineError: it cannot be written; the meter has it again.
    """
    left = dict(needs.meter.drain())
    try:
        while left:
            some = dict(islice(left.items(), WRITTEN_AT_ONCE))
            await transact(needs.records, partial(_write, needs, some))
            for key in some:
                del left[key]
    except BaseException:
        needs.meter.put_back(left)
        raise


async def _write(needs: Needs, measured: Measured, transaction: Transaction) -> None:
    owners: dict[store.Owner, list[tuple[Point, Samples]]] = {}
    for (metric, minute_ms), statistics in measured.items():
        series = Series(metric.namespace, metric.name, metric.dimensions)
        point = Point(series, metric.unit, minute_ms // 1000)
        samples = Samples(statistics.count, statistics.total, statistics.low, statistics.high)
        owners.setdefault(store.Owner(metric.account, metric.region), []).append((point, samples))
    for owner, points in owners.items():
        await store.add_samples(transaction, owner, points, needs.clock.now_ms() // 1000)
