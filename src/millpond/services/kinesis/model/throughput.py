"""What a shard takes and gives per second: token buckets.

In: 1 MiB and 1,000 records a second, keys counted with data. Out: 2 MiB and five GetRecords a
second, for all readers together; 2 MiB a second for each consumer with enhanced fan-out. A bucket
holds what one second brings, so that a second's worth may come at once.
Source: Kinesis Data Streams quotas, and GetRecords in the API reference.
"""

from dataclasses import dataclass, field

MIB = 1024 * 1024
WRITE_BYTES_PER_SECOND = MIB
WRITE_RECORDS_PER_SECOND = 1000
READ_BYTES_PER_SECOND = 2 * MIB
READ_CALLS_PER_SECOND = 5
ITERATOR_CALLS_PER_SECOND = 5


@dataclass(slots=True)
class Bucket:
    """Fills up by `rate` a second to what one second brings. Below 0 it is in debt.

    `level` is in thousandths, so that milliseconds fill it exactly. A clock that goes back fills
    nothing.
    """

    rate: int
    level: int = field(init=False)
    filled_ms: int = 0

    def __post_init__(self) -> None:
        self.level = self.rate * 1000

    def fill(self, now_ms: int) -> None:
        if now_ms > self.filled_ms:
            gained = (now_ms - self.filled_ms) * self.rate
            self.level = min(self.rate * 1000, self.level + gained)
        self.filled_ms = now_ms

    def has(self, amount: int) -> bool:
        """There is `amount`; more than a full bucket is there when the bucket is full."""
        return self.level >= min(amount, self.rate) * 1000

    def take(self, amount: int) -> None:
        self.level -= amount * 1000

    def owe(self, amount: int) -> None:
        """Take `amount`, which was not known before. One that is more than what is left is owed
        in full: 10 MiB of a shard's 2 MiB a second are paid after five seconds."""
        wanted = amount * 1000
        self.level = self.level - wanted if wanted <= self.level else -wanted

    def seconds_until_free(self) -> float:
        """How long it takes until the bucket is out of debt."""
        return max(0, -self.level) / (self.rate * 1000)


@dataclass(slots=True)
class Throughput:
    """One shard's buckets."""

    write_bytes: Bucket = field(default_factory=lambda: Bucket(WRITE_BYTES_PER_SECOND))
    write_records: Bucket = field(default_factory=lambda: Bucket(WRITE_RECORDS_PER_SECOND))
    read_bytes: Bucket = field(default_factory=lambda: Bucket(READ_BYTES_PER_SECOND))
    read_calls: Bucket = field(default_factory=lambda: Bucket(READ_CALLS_PER_SECOND))
    iterator_calls: Bucket = field(default_factory=lambda: Bucket(ITERATOR_CALLS_PER_SECOND))

    def admit_writes(self, sizes: list[int], now_ms: int) -> list[bool] | None:
        """Which of several records, of `sizes` in bytes, are taken; None: all of them.

        Each is judged by itself, in order: a small one may pass after a large one did not. A
        record larger than 1 MiB needs a full bucket, and those after it wait until it is paid.
        """
        by_size, by_count = self.write_bytes, self.write_records
        by_size.fill(now_ms)
        by_count.fill(now_ms)
        total, count = sum(sizes), len(sizes)
        if total * 1000 <= by_size.level and count * 1000 <= by_count.level:
            by_size.take(total)
            by_count.take(count)
            return None
        taken = []
        for size in sizes:
            fits = by_size.has(size) and by_count.has(1)
            if fits:
                by_size.take(size)
                by_count.take(1)
            taken.append(fits)
        return None if all(taken) else taken

    def admit_read(self, now_ms: int) -> bool:
        """A GetRecords call may be made; what it answers is counted by `count_read`."""
        self.read_bytes.fill(now_ms)
        self.read_calls.fill(now_ms)
        if self.read_bytes.level < 0 or not self.read_calls.has(1):
            return False
        self.read_calls.take(1)
        return True

    def count_read(self, size: int) -> None:
        self.read_bytes.owe(size)

    def admit_iterator(self, now_ms: int) -> bool:
        """A GetShardIterator call may be made."""
        self.iterator_calls.fill(now_ms)
        if not self.iterator_calls.has(1):
            return False
        self.iterator_calls.take(1)
        return True
