"""Exports of log events to S3. Times are epoch milliseconds.

Source: CloudWatch Logs API reference, CreateExportTask; user guide, "Export log data to Amazon S3".
"""

import msgspec

PREFIX_DEFAULT = "exportedlogs"
TEST_OBJECT = "aws-logs-write-test"
TEST_TEXT = b"Permission Check Successful"


class Author(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asked for an export: it writes as they may."""

    arn: str
    user_id: str
    access_key_id: str
    actions: tuple[str, ...]
    endpoint: str


class Export(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`done` is the last stream that was exported: streams go by name."""

    id: str
    name: str | None = None
    group: str
    group_id: str
    stream_prefix: str = ""
    from_ms: int
    to_ms: int
    bucket: str
    prefix: str
    author: Author
    created_ms: int
    status: str = "PENDING"
    message: str | None = None
    completed_ms: int | None = None
    done: str = ""

    @property
    def ended(self) -> bool:
        return self.status in ("COMPLETED", "CANCELLED", "FAILED")

    def key(self, folder: str, number: int) -> str:
        """The key of an object of a stream."""
        return f"{self.prefix}/{self.id}/{folder}/{number:06d}.gz"


def folder_of(stream: str) -> str:
    """What a stream's objects are kept under: a slash would begin another folder."""
    return stream.replace("/", "-")
