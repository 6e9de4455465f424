"""The delivery stream that work is done for: as whom it calls, what it measures, what it tells.

Entries of the error log wait in memory until `write_log`; there is a bound on how many.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from millpond.kernel.call import Call, Principal, role_session
from millpond.kernel.log_events import put_log_events
from millpond.kernel.metrics import Metric, Statistics
from millpond.services.firehose.model.stream import DeliveryStream
from millpond.services.firehose.needs import Needs

ROLE_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "glue:GetTable",
    "glue:GetTableVersion",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
)
"""What a delivery stream's role may do: there is no IAM yet to ask."""
NAMESPACE = "AWS/Firehose"
LOG_ENTRIES_MAX = 500
SAME_ENTRY_MS = 60_000


def role_call(needs: Needs, call: Call, role_arn: str) -> Call:
    """`call`, made by a role that a delivery stream was given."""
    return replace(
        call,
        service="firehose",
        principal=role_session(call.account, role_arn, "firehose", ROLE_ACTIONS),
        request_id=needs.ids.uuid(),
    )


@dataclass(slots=True)
class StreamDelivery:
    """`interface.Delivery` for one version of a delivery stream."""

    needs: Needs
    stream: DeliveryStream
    destination: Any
    _waiting: list[tuple[int, bytes]] = field(default_factory=list)
    _told_ms: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def arn(self) -> str:
        return self.stream.arn

    @property
    def account(self) -> str:
        return self.stream.account

    @property
    def region(self) -> str:
        return self.stream.region

    @property
    def source_arn(self) -> str | None:
        return None if self.stream.source is None else self.stream.source.stream_arn

    @property
    def role_arn(self) -> str:
        """The destination's role; an HTTP endpoint may have none but that of its S3."""
        destination = self.destination
        return str(destination.role_arn or destination.s3_configuration.role_arn)

    def call_as(self, role_arn: str | None) -> Call:
        call = Call(
            service="firehose",
            operation="Deliver",
            account=self.stream.account,
            region=self.stream.region,
            principal=Principal("", "", ""),
            request_id="",
            endpoint=self.needs.endpoint(),
        )
        return role_call(self.needs, call, role_arn or self.role_arn)

    def count(self, metric: str, value: float, unit: str = "Count", samples: int = 1) -> None:
        dimensions = (("DeliveryStreamName", self.stream.name),)
        key = Metric(self.account, self.region, NAMESPACE, metric, dimensions, unit)
        self.needs.meter.sum_up(key, Statistics(samples, value * samples, value, value))

    def tell(self, code: str, message: str, **more: Any) -> None:
        options = self.destination.cloud_watch_logging_options
        if options is None or not options.enabled or len(self._waiting) >= LOG_ENTRIES_MAX:
            return
        now_ms = self.needs.clock.now_ms()
        if now_ms - self._told_ms.get((code, message), -SAME_ENTRY_MS) < SAME_ENTRY_MS:
            return
        if len(self._told_ms) >= LOG_ENTRIES_MAX:
            self._told_ms.clear()
        self._told_ms[code, message] = now_ms
        entry = {
            "deliveryStreamARN": self.arn,
            "destination": self._destination_name(),
            "deliveryStreamVersionId": self.stream.version,
            "message": message,
            "errorCode": code,
        } | more
        self._waiting.append((now_ms, msgspec.json.encode(entry)))

    def _destination_name(self) -> str:
        destination = self.destination
        if self.stream.kind == "HttpEndpoint":
            return str(destination.endpoint_configuration.url)
        if self.stream.kind == "Iceberg":
            return str(destination.catalog_configuration.catalog_arn)
        if self.stream.kind == "ExtendedS3":
            return str(destination.bucket_arn)
        return str(destination.cluster_endpoint)

    async def write_log(self) -> None:
        """Put what was told into the log. What cannot be written now is tried again next time."""
        if not self._waiting:
            return
        options = self.destination.cloud_watch_logging_options
        call = self.call_as(None)
        group, stream = options.log_group_name, options.log_stream_name
        if await put_log_events(self.needs.call_aws, call, group, stream, self._waiting):
            self._waiting.clear()
