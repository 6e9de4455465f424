"""Writing when the log cannot: what the producer is told, and that nothing is half done."""

import pytest

from millpond.kernel.errors import Full, ServiceError, Unavailable

RECORDS = [{"Data": b"%d" % n, "PartitionKey": str(n)} for n in range(10)]


class FailingLog:
    """The log, whose first append fails, before or after it was done."""

    def __init__(self, log, error, *, lost):
        self._log, self._error, self._lost = log, error, lost

    def __getattr__(self, name):
        return getattr(self._log, name)

    async def append(self, batches):
        error, self._error = self._error, None
        if error is None or self._lost:
            appended = await self._log.append(batches)
        if error is not None:
            raise error
        return appended


@pytest.mark.parametrize(
    ("error", "lost", "stored"),
    [(Full("x"), False, 0), (Unavailable("x"), False, 0), (Unavailable("x"), True, 10)],
)
async def test_a_producer_is_told_to_try_again(world, error, lost, stored):
    await world.call("CreateStream", StreamName="four", ShardCount=4)
    object.__setattr__(world.needs, "log", FailingLog(world.needs.log, error, lost=lost))
    with pytest.raises(ServiceError) as refusal:
        await world.call("PutRecords", StreamName="four", Records=RECORDS)
    assert (refusal.value.code, refusal.value.status) == ("ServiceUnavailableException", 503)
    found = [
        data
        for index in range(4)
        for data in await world.read("four", "TRIM_HORIZON", f"shardId-{index:012d}")
    ]
    assert len(found) == stored
    answer = await world.call("PutRecords", StreamName="four", Records=RECORDS)
    assert answer["FailedRecordCount"] == 0
