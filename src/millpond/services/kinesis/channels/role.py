"""The channel that work is done for: as whom it calls, what it measures, what it tells its log.

Source: Kinesis Data Streams Developer Guide, "Monitoring data delivery", "IAM permissions for data
delivery".
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from millpond.kernel.call import Call, role_session
from millpond.kernel.log_events import put_log_events
from millpond.kernel.metrics import Metric
from millpond.services.kinesis.channels.channel import Channel
from millpond.services.kinesis.metering import NAMESPACE
from millpond.services.kinesis.needs import Needs

ROLE_ACTIONS = (
    "s3:ListBucket",
    "s3:PutObject",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
)
"""What a channel's role may do: there is no IAM yet to ask."""
SESSION_NAME = "Channel-Session-For-Cx-Role"
EVENTS_WAITING_MAX = 500


def call_as_role(needs: Needs, channel: Channel) -> Call:
    """A call by the role that a channel was given."""
    return Call(
        service="kinesis",
        operation="Deliver",
        account=channel.account,
        region=channel.region,
        principal=role_session(channel.account, channel.role_arn, SESSION_NAME, ROLE_ACTIONS),
        request_id=needs.ids.uuid(),
        endpoint="",
    )


@dataclass(slots=True)
class Reporter:
    """Measures and tells what becomes of a channel's records. What it is told waits in memory until
    `write_log`; of too much, the oldest is forgotten."""

    needs: Needs
    _waiting: deque[tuple[int, bytes]] = field(
        default_factory=lambda: deque(maxlen=EVENTS_WAITING_MAX)
    )

    def count(self, channel: Channel, name: str, value: float, unit: str = "Count") -> None:
        dimensions = (
            ("ChannelName", channel.name),
            ("ChannelId", channel.id),
            ("StreamName", channel.stream_name),
        )
        metric = Metric(
            channel.account, channel.region, NAMESPACE, f"DeliveryToS3.{name}", dimensions, unit
        )
        self.needs.meter.record(metric, value)

    def tell(self, channel: Channel, message: str, **more: Any) -> None:
        if not channel.logging.enabled:
            return
        event = {
            "channelARN": channel.arn,
            "streamARN": channel.stream_arn,
            "destination": channel.storage.bucket_arn,
            "message": message,
        }
        self._waiting.append((self.needs.clock.now_ms(), msgspec.json.encode(event | more)))

    async def write_log(self, channel: Channel) -> None:
        """Put what was told into the log. What cannot be written now is tried again next time."""
        if not self._waiting or not channel.logging.enabled:
            return
        call = call_as_role(self.needs, channel)
        group, stream = channel.logging.group, channel.logging.stream
        if await put_log_events(self.needs.call_aws, call, group, stream, self._waiting):
            self._waiting.clear()
