"""Consumers: who reads a stream by enhanced fan-out."""

from typing import Literal

import msgspec

ConsumerStatus = Literal["CREATING", "ACTIVE", "DELETING"]


class Consumer(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A consumer of the stream whose id is `stream_id`. `status_until_ms`: when a status other
    than ACTIVE ends."""

    name: str
    stream_name: str
    stream_id: str
    account: str
    region: str
    created_ms: int
    status: ConsumerStatus = "ACTIVE"
    status_until_ms: int = 0
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """Its last number is when it was registered: one of the same name has another ARN."""
        return (
            f"arn:aws:kinesis:{self.region}:{self.account}:stream/{self.stream_name}"
            f"/consumer/{self.name}:{self.created_ms // 1000}"
        )

    def status_at(self, now_ms: int) -> ConsumerStatus:
        """The status that AWS would tell."""
        if self.status == "CREATING" and now_ms >= self.status_until_ms:
            return "ACTIVE"
        return self.status

    def is_gone(self, now_ms: int) -> bool:
        """It was deregistered, and only its record is still there."""
        return self.status == "DELETING" and now_ms >= self.status_until_ms
