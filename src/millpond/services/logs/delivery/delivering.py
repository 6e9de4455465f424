"""The background step that delivers what waits for a subscription.

What is delivered is written down by removing it from what waits: a crash in between has it
delivered again. What is not taken is tried again, ever more seldom, for 24 hours, and then left.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.call import Scope
from millpond.kernel.metrics import Metric, Statistics
from millpond.kernel.tasks import Task, Wake
from millpond.services.logs import store
from millpond.services.logs.delivery.batching import Packing, Parcel
from millpond.services.logs.delivery.targets import (
    RECORDS_AT_ONCE,
    SIZE_BYTES_AT_ONCE,
    Target,
    read_target,
)
from millpond.services.logs.errors import InvalidParameter
from millpond.services.logs.ingestion.live import Pause
from millpond.services.logs.ingestion.measuring import NAMESPACE
from millpond.services.logs.model.destinations import destination_name
from millpond.services.logs.model.filters import Subscription
from millpond.services.logs.needs import Needs
from millpond.services.logs.patterns import Pattern, compile_pattern
from millpond.services.logs.storing.account import load_destination
from millpond.services.logs.storing.filters import (
    Waiting,
    delete_waiting,
    load_filters,
    scan_waiting,
)

AT_ONCE_EVENTS = 20_000
AT_ONCE_BATCHES = 200
PATIENCE_MS = 24 * 3600 * 1000
PAUSE_MS_MIN = 500
PAUSE_MS_MAX = 60_000
THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ServiceUnavailableException",
        "LimitExceededException",
    }
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a subscription has to deliver next."""

    group: str
    subscription: Subscription
    pattern: Pattern
    target: Target | None
    batches: Sequence[Waiting]


async def deliver(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Deliver all that waits for the subscription `task.subject` (its group and id)."""
    subscription_id = task.subject.partition(":")[2]
    pauses = needs.live.pauses
    while not wake.stopping:
        pause = pauses.get(subscription_id)
        if pause is not None and needs.clock.now_ms() < pause.until_ms:
            return pause.until_ms
        work = await _look(needs, task)
        if work is None:
            pauses.pop(subscription_id, None)
            await _sweep(needs, subscription_id)
            return None
        if not work.batches:
            pauses.pop(subscription_id, None)
            return None
        if await _deliver_some(needs, task, work):
            pauses.pop(subscription_id, None)
        else:
            last_ms = 0 if pause is None else pause.length_ms
            length_ms = min(max(2 * last_ms, PAUSE_MS_MIN), PAUSE_MS_MAX)
            pauses[subscription_id] = Pause(needs.clock.now_ms() + length_ms, length_ms)
    return needs.clock.now_ms()


async def _look(needs: Needs, task: Task) -> _Work | None:
    """What there is to do; None when the subscription is gone."""
    group_name, _, subscription_id = task.subject.partition(":")
    async with needs.records.transaction() as transaction:
        group = await store.load_group(transaction, task, group_name)
        if group is None:
            return None
        kept = (await load_filters(transaction, group)).subscriptions.values()
        subscription = next((one for one in kept if one.id == subscription_id), None)
        if subscription is None:
            return None
        batches: list[Waiting] = []
        events = 0
        async for waiting in scan_waiting(transaction, subscription.id):
            batches.append(waiting)
            events += waiting.count
            if events >= AT_ONCE_EVENTS or len(batches) == AT_ONCE_BATCHES:
                break
        target = await _target(transaction, task, subscription)
    pattern = compile_pattern(subscription.pattern)
    return _Work(group_name, subscription, pattern, target, batches)


async def _target(
    transaction: Transaction, scope: Scope, subscription: Subscription
) -> Target | None:
    """Where a subscription's records go; None while its destination is not there."""
    arn, role_arn = subscription.destination_arn, subscription.role_arn
    name = destination_name(scope, arn)
    if name is not None:
        destination = await load_destination(transaction, scope, name)
        if destination is None:
            return None
        arn, role_arn = destination.target_arn, destination.role_arn
    try:
        return read_target(scope, arn, role_arn)
    except InvalidParameter:
        return None


async def _deliver_some(needs: Needs, scope: Scope, work: _Work) -> bool:
    """Deliver the batches; whether all of them are settled now."""
    group, subscription = work.group, work.subscription
    packing = Packing(needs, scope.account, group, subscription, work.pattern)
    outcome = _Outcome(needs, scope, work)
    parcels: list[Parcel] = []
    size_bytes = 0
    async for parcel in packing.pack(work.batches):
        full = size_bytes + parcel.size_bytes > SIZE_BYTES_AT_ONCE
        if parcels and (full or len(parcels) == RECORDS_AT_ONCE):
            await outcome.send(parcels)
            parcels, size_bytes = [], 0
        parcels.append(parcel)
        size_bytes += parcel.size_bytes
    if parcels:
        await outcome.send(parcels)
    if packing.too_large:
        outcome.count("DeliveryErrors", packing.too_large)
        _log.error(
            "%d events of %s are too large for %s and were not delivered.",
            packing.too_large,
            group,
            subscription.destination_arn,
        )
    return await outcome.settle()


class _Outcome:
    """What became of some batches."""

    def __init__(self, needs: Needs, scope: Scope, work: _Work) -> None:
        self._needs = needs
        self._scope = scope
        self._work = work
        self._failed: dict[Waiting, str] = {}

    async def send(self, parcels: Sequence[Parcel]) -> None:
        target = self._work.target
        if target is None:
            results: list[str | None] = ["ResourceNotFoundException"] * len(parcels)
        else:
            records = [parcel.record for parcel in parcels]
            results = await target.send(self._needs, self._scope, records)
        for parcel, failure in zip(parcels, results, strict=True):
            if failure is None:
                self.count("ForwardedLogEvents", parcel.events)
                self.count("ForwardedBytes", parcel.size_bytes, "Bytes")
            else:
                throttled = failure in THROTTLED
                self.count("DeliveryThrottling" if throttled else "DeliveryErrors", parcel.events)
                self._failed.update(dict.fromkeys(parcel.batches, failure))

    async def settle(self) -> bool:
        """Write down what need not be tried again; False: something has to be."""
        oldest_ms = self._needs.clock.now_ms() - PATIENCE_MS
        left = [batch for batch in self._failed if batch.came_ms < oldest_ms]
        if left:
            _log.error(
                "%d events of %s were not delivered to %s within 24 hours and are left out: %s.",
                sum(batch.count for batch in left),
                self._work.group,
                self._work.subscription.destination_arn,
                self._failed[left[0]],
            )
        settled = {batch for batch in self._work.batches if batch not in self._failed} | set(left)

        async def forget(transaction: Transaction) -> None:
            for batch in settled:
                delete_waiting(transaction, self._work.subscription.id, batch)

        if settled:
            await transact(self._needs.records, forget)
        return len(left) == len(self._failed)

    def count(self, name: str, value: float, unit: str = "None") -> None:
        target = self._work.target
        dimensions = (
            ("LogGroupName", self._work.group),
            ("DestinationType", target.kind if target else "Destination"),
            ("FilterName", self._work.subscription.name),
        )
        metric = Metric(
            self._scope.account,
            self._scope.region,
            NAMESPACE,
            name,
            tuple(sorted(dimensions)),
            unit,
        )
        self._needs.meter.sum_up(metric, Statistics(1, value, value, value))


async def _sweep(needs: Needs, subscription_id: str) -> None:
    """Forget what waits for a subscription that is gone."""

    async def forget_some(transaction: Transaction) -> int:
        count = 0
        async for waiting in scan_waiting(transaction, subscription_id):
            if count == AT_ONCE_BATCHES:
                break
            delete_waiting(transaction, subscription_id, waiting)
            count += 1
        return count

    while await transact(needs.records, forget_some):
        pass
