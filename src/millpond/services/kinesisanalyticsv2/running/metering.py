"""What CloudWatch is told of an application: AWS/KinesisAnalytics, by Application.

Figures come about once a second. Counts are of the run, as Flink's are; rates are of the time since
the figures before. What only SQL applications have on AWS (`Bytes`, `Records`, `Success`,
`MillisBehindLatest`) is told for them by Application and Flow too, with the input's Id.
Source: developer guide, Metrics and dimensions in Managed Service for Apache Flink; for SQL,
Amazon Kinesis Data Analytics metrics.
"""

from millpond.engines.streams.interface import Checkpointed, Measured
from millpond.kernel.clock import Clock
from millpond.kernel.metrics import Meter, Metric
from millpond.services.kinesisanalyticsv2.model.application import Application, Version
from millpond.services.kinesisanalyticsv2.model.flink_settings import kpus

NAMESPACE = "AWS/KinesisAnalytics"
_SQL, _FLINK = "SqlApplicationConfigurationDescription", "FlinkApplicationConfigurationDescription"


class ApplicationMeter:
    """Measures one run of an application."""

    def __init__(
        self,
        meter: Meter,
        clock: Clock,
        application: Application,
        version: Version,
        memory_bytes: int,
        restarts: int,
    ) -> None:
        self._meter, self._clock = meter, clock
        self._scope = (application.account, application.region, NAMESPACE)
        self._application = ("Application", application.name)
        self._memory_bytes = memory_bytes
        self._restarts = restarts
        self._is_sql = version.is_sql
        inputs = version.configuration.get(_SQL, {}).get("InputDescriptions", ())
        self._input_id = inputs[0]["InputId"] if inputs else ""
        flink = version.configuration.get(_FLINK)
        self._kpus = 1 if flink is None else kpus(flink)
        self._began_ms = self._last_ms = clock.now_ms()
        self._last = Measured()
        self._failed_checkpoints = 0

    def measured(self, now: Measured) -> None:
        """Take the figures of the run."""
        now_ms = self._clock.now_ms()
        seconds = max(now_ms - self._last_ms, 1) / 1000
        last, self._last, self._last_ms = self._last, now, now_ms
        came, went = now.records_in - last.records_in, now.records_out - last.records_out
        self._tell("KPUs", self._kpus, "Count")
        if self._is_sql:
            self._tell_sql(
                now, came, went, now.bytes_in - last.bytes_in, now.bytes_out - last.bytes_out
            )
        self._tell("numRecordsIn", now.records_in, "Count")
        self._tell("numRecordsInPerSecond", came / seconds, "Count/Second")
        self._tell("numRecordsOut", now.records_out, "Count")
        self._tell("numRecordsOutPerSecond", went / seconds, "Count/Second")
        self._tell("numLateRecordsDropped", now.late_records_dropped, "Count")
        self._tell("numRecordsInErrors", now.record_errors, "Count")
        self._tell("uptime", now_ms - self._began_ms, "Milliseconds")
        self._tell("downtime", 0, "Milliseconds")
        self._tell("fullRestarts", self._restarts, "Count")
        cpu = max(now.cpu_seconds - last.cpu_seconds, 0.0)
        self._tell("cpuUtilization", 100 * cpu / seconds, "Percent")
        share = 100 * now.memory_bytes / self._memory_bytes
        self._tell("heapMemoryUtilization", min(share, 100.0), "Percent")
        if now.behind_ms is not None:
            self._tell("millisBehindLatest", now.behind_ms, "Milliseconds")
        if now.watermark_ms is not None:
            self._tell("currentInputWatermark", now.watermark_ms, "Milliseconds")

    def checkpointed(self, checkpoint: Checkpointed) -> None:
        """Take how a checkpoint went."""
        if checkpoint.failure:
            self._failed_checkpoints += 1
        else:
            self._tell("lastCheckpointDuration", checkpoint.duration_ms, "Milliseconds")
            self._tell("lastCheckpointSize", checkpoint.size_bytes, "Bytes")
        self._tell("numberOfFailedCheckpoints", self._failed_checkpoints, "Count")

    def down(self, since_ms: int) -> None:
        """The application is to run and does not, since then."""
        self._tell("downtime", self._clock.now_ms() - since_ms, "Milliseconds")
        self._tell("uptime", 0, "Milliseconds")
        self._tell("fullRestarts", self._restarts, "Count")

    def _tell_sql(
        self, now: Measured, came: int, went: int, came_bytes: int, went_bytes: int
    ) -> None:
        source = (("Id", self._input_id), self._application, ("Flow", "Input"))
        sinks = (self._application, ("Flow", "Output"))
        self._tell("Records", came, "Count", source)
        self._tell("Bytes", came_bytes, "Bytes", source)
        self._tell("Records", went, "Count", sinks)
        self._tell("Bytes", went_bytes, "Bytes", sinks)
        self._tell("Success", 1, "Count", sinks)
        if now.behind_ms is not None:
            self._tell("MillisBehindLatest", now.behind_ms, "Milliseconds", source)

    def _tell(
        self,
        name: str,
        value: float,
        unit: str,
        dimensions: tuple[tuple[str, str], ...] | None = None,
    ) -> None:
        metric = Metric(*self._scope, name, dimensions or (self._application,), unit)
        self._meter.record(metric, value)
