"""What was read and is not delivered yet: one buffer for each object to come.

A window begins at positions of the source that were written down, and its records are those read
since. Buffers are named by labels, and what they will become is named by what they hold: where the
window began, which buffer it is, and how many of that label were cut off before in this window.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from millpond.services.firehose.delivery.failures import line_of, partition_failure
from millpond.services.firehose.delivery.interface import Failure, Record
from millpond.services.firehose.delivery.plan import Plan
from millpond.services.firehose.delivery.spool import RecordSpool, Spool
from millpond.services.firehose.model.naming import derive_uuid
from millpond.services.firehose.model.prefixes import (
    EVALUATED_SIZE_MAX,
    Expression,
    object_prefix,
    zoned,
)

PARTITIONS_MAX = 500
PREFIX_SIZE_BYTES_MAX = 900
"""A longer prefix leaves no room for the object's name in S3's 1,024 bytes."""
_SEPARATOR = "\0"
DATA, BACKUP, ERROR = "data", "backup", "error"

Keys = tuple[str, ...]


class Buffer:
    """Records of one object or batch to come. `size` is in bytes of their data."""

    def __init__(self, label: str, identity: str, spool: Spool | RecordSpool) -> None:
        self.label = label
        self.identity = identity
        self.spool = spool
        self.size = 0
        self.count = 0
        self.oldest_ms = 0

    @property
    def kind(self) -> str:
        return self.label.partition(_SEPARATOR)[0]

    @property
    def values(self) -> Keys:
        """What follows the kind: the values of partition keys, or the type of errors."""
        return tuple(self.label.split(_SEPARATOR)[1:])

    def add(self, records: Sequence[Record]) -> None:
        self._note(records)
        if isinstance(self.spool, RecordSpool):
            self.spool.write(records)
        else:
            self.spool.write([record.data for record in records])

    def add_lines(self, failures: Sequence[Failure], now_ms: int) -> None:
        assert isinstance(self.spool, Spool)
        self._note(failures)
        self.spool.write([line_of(failure, now_ms) for failure in failures])

    def _note(self, found: Sequence[Record] | Sequence[Failure]) -> None:
        oldest_ms = min([one.arrival_ms for one in found])
        self.oldest_ms = min(self.oldest_ms, oldest_ms) if self.count else oldest_ms
        self.count += len(found)
        self.size += sum([len(one.data if isinstance(one, Record) else one.raw) for one in found])


class Window:
    """The buffers of one window. `scratch` is a folder for their files."""

    def __init__(self, plan: Plan, start: Mapping[str, str], scratch: Path) -> None:
        self._plan = plan
        self._scratch = scratch
        self._start = _SEPARATOR.join(f"{key}={start[key]}" for key in sorted(start))
        self._cut_before: dict[str, int] = {}
        self._files = 0
        self.buffers: dict[str, Buffer] = {}
        self.began_ms: int | None = None

    @property
    def partitions(self) -> int:
        return sum(buffer.kind == DATA for buffer in self.buffers.values())

    def path(self) -> Path:
        """A file of the scratch folder that nobody has."""
        self._files += 1
        return self._scratch / str(self._files)

    def absorb(
        self,
        source: Sequence[Record],
        records: Sequence[Record],
        failures: Sequence[Failure],
        since_ms: int,
        now_ms: int,
    ) -> None:
        """Take in what was read: `source` as it came, the others as transformation left them.
        The window's time counts from the first `since_ms`.

        Writes to disk: for a thread.
        """
        if self.began_ms is None:
            self.began_ms = since_ms
        if self._plan.backup is not None and source:
            self._buffer(BACKUP, Spool).add(source)
        if self._plan.keys:
            self._partition(records, now_ms)
        elif records:
            kind = Spool if self._is_plain else RecordSpool
            self._buffer(DATA, kind).add(records)
        self.fail(failures, now_ms)

    @property
    def _is_plain(self) -> bool:
        return self._plan.converter is None and self._plan.destination is None

    def fail(self, failures: Iterable[Failure], now_ms: int) -> None:
        """Take in records that are to end below the error output prefix; the error log is told of
        the first for each code."""
        by_kind: dict[str, list[Failure]] = {}
        first: dict[str, str] = {}
        for failure in failures:
            by_kind.setdefault(failure.kind, []).append(failure)
            first.setdefault(failure.code, failure.message)
        for code, message in first.items():
            self._plan.delivery.tell(code, message)
        for kind, found in by_kind.items():
            self._buffer(_SEPARATOR.join((ERROR, kind)), Spool).add_lines(found, now_ms)

    def _buffer(self, label: str, kind: type[Spool] | type[RecordSpool]) -> Buffer:
        buffer = self.buffers.get(label)
        if buffer is None:
            stream_id = self._plan.stream.id
            number = str(self._cut_before.get(label, 0))
            identity = derive_uuid(stream_id, self._start, label, number)
            buffer = self.buffers[label] = Buffer(label, identity, kind(self.path()))
        return buffer

    def _partition(self, records: Sequence[Record], now_ms: int) -> None:
        """Put each record into the buffer of its keys' values."""
        found: dict[Keys, list[Record]] = {}
        for record in records:
            keys = tuple([_value(record, key) for key in self._plan.keys])
            found.setdefault(keys, []).append(record)
        kind = Spool if self._is_plain else RecordSpool
        failures: list[Failure] = []
        for values, members in found.items():
            label = _SEPARATOR.join((DATA, *values))
            refusal = None if label in self.buffers else self._refusal(values, members[0])
            if refusal is None:
                self._buffer(label, kind).add(members)
            else:
                failures += [partition_failure(member, *refusal) for member in members]
        self.fail(failures, now_ms)

    def _refusal(self, values: Keys, record: Record) -> tuple[str, str] | None:
        """Why no partition is begun for these values: a code and a sentence."""
        for key, value in zip(self._plan.keys, values, strict=True):
            if not value or _SEPARATOR in value:
                return (
                    "DynamicPartitioning.PartitionKeyMissing",
                    f"The record has no value for the partition key {key.value}.",
                )
        when = zoned(record.arrival_ms, self._plan.zone)
        keys = dict(zip(self._plan.keys, values, strict=True))
        prefix = object_prefix(self._plan.s3.prefix, when, "r" * 11, keys)
        if len(prefix) > EVALUATED_SIZE_MAX or len(prefix.encode()) > PREFIX_SIZE_BYTES_MAX:
            return (
                "DynamicPartitioning.PrefixTooLong",
                f"The evaluated prefix is longer than {EVALUATED_SIZE_MAX} characters.",
            )
        if self.partitions >= PARTITIONS_MAX:
            self._plan.delivery.count("PartitionCountExceeded", 1)
            return (
                "DynamicPartitioning.ActivePartitionsLimitExceeded",
                "The number of active partitions has exceeded the configured limit",
            )
        return None

    def full(self) -> list[str]:
        """Labels of the buffers that have their size."""
        return [
            label
            for label, buffer in self.buffers.items()
            if buffer.size >= self._limit(buffer.kind)
        ]

    def _limit(self, kind: str) -> int:
        if kind != BACKUP:
            return self._plan.size_bytes_max
        return int(self._plan.backup.buffering_hints.size_in_mbs) << 20

    def take(self, labels: Iterable[str]) -> list[Buffer]:
        """Cut off buffers of these labels; others of the same labels may follow."""
        taken = [self.buffers.pop(label) for label in labels if label in self.buffers]
        for buffer in taken:
            self._cut_before[buffer.label] = self._cut_before.get(buffer.label, 0) + 1
        return taken

    def discard(self) -> None:
        for buffer in self.buffers.values():
            buffer.spool.discard()
        self.buffers.clear()


def _value(record: Record, key: Expression) -> str:
    keys = record.query_keys if key.namespace == "partitionKeyFromQuery" else record.lambda_keys
    return keys.get(key.value, "")
