"""What CloudWatch is told of a stream: AWS/Kinesis, by StreamName and, where enhanced monitoring is
on, by ShardId; by ConsumerName for enhanced fan-out.

A request measures a fixed number of things, however many records it brings.
Source: Monitoring the Amazon Kinesis Data Streams service with CloudWatch, developer guide.
"""

from collections.abc import Mapping

from millpond.kernel.metrics import Meter, Metric
from millpond.services.kinesis.model.stream import Stream

NAMESPACE = "AWS/Kinesis"

_UNITS: Mapping[str, str] = {
    "Bytes": "Bytes",
    "IncomingBytes": "Bytes",
    "OutgoingBytes": "Bytes",
    "Latency": "Milliseconds",
    "IteratorAgeMilliseconds": "Milliseconds",
    "MillisBehindLatest": "Milliseconds",
}
"""By what a metric's name ends in; the others are counts."""


class StreamMeter:
    """Measures one stream; made anew when the stream's record changes."""

    def __init__(self, meter: Meter, stream: Stream) -> None:
        self._meter = meter
        self._scope = (stream.account, stream.region, NAMESPACE)
        self._stream = ("StreamName", stream.name)
        names = stream.enhanced_metrics
        self._of_shards = None if "ALL" in names else frozenset(names)
        self.watches_shards = bool(names)
        self._metrics: dict[tuple[str, str], Metric] = {}

    def stream(self, name: str, value: float) -> None:
        self._record(name, "", "", value)

    def shard(self, name: str, shard_id: str, value: float) -> None:
        """Measured only where enhanced monitoring of `name` is on."""
        if self.watches_shards and (self._of_shards is None or name in self._of_shards):
            self._record(name, "ShardId", shard_id, value)

    def consumer(self, name: str, consumer_name: str, value: float) -> None:
        self._record(name, "ConsumerName", consumer_name, value)

    def _record(self, name: str, dimension: str, of: str, value: float) -> None:
        metric = self._metrics.get((name, of))
        if metric is None:
            dimensions = (self._stream, (dimension, of)) if dimension else (self._stream,)
            unit = _UNITS.get(name.rpartition(".")[2], "Count")
            metric = self._metrics[name, of] = Metric(*self._scope, name, dimensions, unit)
        self._meter.record(metric, value)
