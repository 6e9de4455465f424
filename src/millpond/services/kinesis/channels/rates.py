"""How often an account may call the operations of channels: five times a second each.

Source: Kinesis API reference, CreateChannel and the others.
"""

from millpond.kernel.call import Call
from millpond.services.kinesis.errors import LimitExceeded
from millpond.services.kinesis.model.throughput import Bucket

CALLS_PER_SECOND = 5
_KEPT_MAX = 1024


class CallRates:
    """One bucket for each account, region and operation; all are full after a second."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str], Bucket] = {}

    def admit(self, call: Call, now_ms: int) -> None:
        """Count a call.

        Raises:
            LimitExceeded: it is the sixth within a second.
        """
        key = (call.account, call.region, call.operation)
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= _KEPT_MAX:
                self._buckets.clear()
            bucket = self._buckets[key] = Bucket(CALLS_PER_SECOND)
        bucket.fill(now_ms)
        if not bucket.has(1):
            raise LimitExceeded(
                f"Rate exceeded for account {call.account}: {call.operation} can be called "
                f"{CALLS_PER_SECOND} times a second."
            )
        bucket.take(1)
