"""How executions live and end: cancelled, cut off, failing, restarted."""

import asyncio
import itertools
from types import SimpleNamespace

import pytest

from millpond.engines.records.faulty import FaultyRecords
from millpond.engines.sql.interface import Column, QueryLost, QueryRefused, ScanLimitExceeded
from millpond.kernel.errors import Full, ServiceError
from millpond.kernel.faults import Faults
from millpond.services.athena.store import executions as store

ACCOUNT = "123456789012"

CTAS = "CREATE TABLE made WITH (partitioned_by = ARRAY['p']) AS SELECT 1 a, 'x' p"


def partitioned(world):
    world.sql.columns = (Column("a", "integer"), Column("p", "varchar"))
    world.sql.files = [(b"one", ("x",)), (b"two", (None,))]


async def test_a_query_succeeds_and_its_result_lies_in_s3(world):
    done = await world.run("SELECT 1 AS a")
    location = f"s3://results/q/{done['QueryExecutionId']}.csv"
    assert done["ResultConfiguration"]["OutputLocation"] == location
    assert await world.read(location) == '"a"\n"1"\n'
    assert (done["StatementType"], done["SubstatementType"]) == ("DML", "SELECT")
    assert done["Statistics"]["DataScannedInBytes"] == 100
    assert done["Statistics"]["QueryPlanningTimeInMillis"] == 7
    assert done["Statistics"]["EngineExecutionTimeInMillis"] == 18
    (query,) = world.sql.asked
    assert (query.catalog, query.schema, query.user) == ("awsdatacatalog", "shop", "ANN")


async def test_where_a_result_will_be_is_known_from_the_start(world):
    world.sql.hold = asyncio.Event()
    query = await world.start("SELECT 1")
    found = await world.execution(query)
    assert found["ResultConfiguration"]["OutputLocation"] == f"s3://results/q/{query}.csv"
    listing = await world.start("SHOW DATABASES")
    found = await world.execution(listing)
    assert found["ResultConfiguration"]["OutputLocation"] == f"s3://results/q/{listing}.txt"


async def test_a_running_query_is_cancelled(world):
    world.sql.hold = asyncio.Event()
    query = await world.start("SELECT 1")
    await world.until_alive(1)
    assert await world.state(query) == "RUNNING"
    await world.athena("StopQueryExecution", QueryExecutionId=query)
    done = await world.until(query, "CANCELLED")
    assert done["Status"]["StateChangeReason"] == "Query cancelled by user"
    assert world.sql.alive == 0
    assert await world.keys("results") == []


async def test_a_queued_query_is_cancelled_and_never_runs(world):
    await world.stop()
    query = await world.start("SELECT 1")
    await world.athena("StopQueryExecution", QueryExecutionId=query)
    assert await world.state(query) == "CANCELLED"
    await world.restart()
    other = await world.run("SELECT 2")
    assert [one.sql for one in world.sql.asked] == ["SELECT 2"]
    assert await world.state(query) == "CANCELLED"
    await world.athena("StopQueryExecution", QueryExecutionId=other["QueryExecutionId"])
    assert await world.state(other["QueryExecutionId"]) == "SUCCEEDED"


async def test_a_query_that_reads_is_run_again_after_a_restart(world):
    world.sql.hold = asyncio.Event()
    query = await world.start("SELECT 1")
    await world.until_alive(1)
    await world.stop()
    assert await world.state(query) == "RUNNING"
    world.sql.hold.set()
    await world.restart()
    await world.until(query, "SUCCEEDED")
    assert len(world.sql.asked) == 2


async def test_a_query_that_writes_is_failed_when_the_platform_ends(world):
    partitioned(world)
    world.sql.hold = asyncio.Event()
    query = await world.start(CTAS)
    await world.until_alive(1)
    await world.stop()
    failed = await world.execution(query)
    assert failed["Status"]["State"] == "FAILED"
    assert "The service ended while the query was running" in failed["Status"]["StateChangeReason"]
    assert failed["Status"]["AthenaError"]["Retryable"] is True


async def test_what_a_crashed_query_had_made_is_taken_back_at_the_next_start(world, refusal):
    partitioned(world)
    crash = Crash(world, "BatchCreatePartition")
    query = await world.start(CTAS)
    await asyncio.wait_for(crash.reached.wait(), 10)
    assert len(await world.keys("results")) == 3
    assert (await world.table("made"))["Parameters"]["trino_query_id"] == query
    crash.end_all()
    await world.restart()
    await world.until(query, "FAILED")
    assert await world.keys("results") == [f"q/tables/{query}-manifest.csv"]
    assert (await refusal(world.table("made")))[0] == "EntityNotFoundException"


class Crash:
    """Holds Athena for good at an operation of another service, as a crash there would."""

    def __init__(self, world, operation):
        self.world, self.reached = world, asyncio.Event()
        lent = world._lent

        async def held(call, service, name, /, **members):
            if name == operation:
                self.reached.set()
                await asyncio.Event().wait()
            return await lent(call, service, name, **members)

        world._lent = held
        self._lent = lent

    def end_all(self):
        """Everything stops where it is: not one more write."""
        supervisor = self.world.supervisor
        supervisor._watching.cancel()
        for worker in supervisor._workers.values():
            worker.running.cancel()
        self.world._lent = self._lent


@pytest.mark.parametrize(
    ("failure", "state", "says", "category", "kind"),
    [
        (QueryRefused("TABLE_NOT_FOUND", "TABLE_NOT_FOUND: t"), "FAILED", "_FOUND: t", 2, 1110),
        (QueryRefused("NEW_ERROR", "NEW_ERROR: t"), "FAILED", "NEW_ERROR: t", 2, 1006),
        (QueryLost("The engine ended."), "FAILED", "The engine ended.", 1, 0),
        (Full("There is no space."), "FAILED", "no space", 1, 0),
        (ValueError("secret"), "FAILED", "GENERIC_INTERNAL_ERROR: Internal error", 1, 200),
        (ScanLimitExceeded(77), "CANCELLED", "Bytes scanned limit was exceeded", None, None),
    ],
)
async def test_failures_of_the_engine_become_reasons(world, failure, state, says, category, kind):
    world.sql.failure = failure
    done = await world.run("SELECT 1")
    assert done["Status"]["State"] == state
    assert says in done["Status"]["StateChangeReason"]
    if category is None:
        assert done["Statistics"]["DataScannedInBytes"] == 77
    else:
        error = done["Status"]["AthenaError"]
        assert (error["ErrorCategory"], error["ErrorType"]) == (category, kind)
        assert error["Retryable"] is (category == 1)


async def test_s3s_refusal_of_the_result_is_told(world):
    class Denied(ServiceError):
        code, status = "AccessDenied", 403

    def refuse(service, operation, members):
        if operation == "PutObject":
            raise Denied("Access Denied")

    world.before = refuse
    reason = await world.reason("SELECT 1")
    assert reason.startswith("Access denied when writing output to url: s3://results/q/")


async def test_a_bucket_that_goes_away_keeps_no_query_from_ending(world):
    partitioned(world)

    def vanish(service, operation, members):
        if operation in ("CreateTable", "DeleteObject"):
            refusal = ServiceError("The specified bucket does not exist")
            raise refusal

    world.before = vanish
    reason = await world.reason(CTAS)
    assert "could not be removed: The specified bucket does not exist" in reason


async def test_files_are_removed_before_a_failure_is_told(world):
    partitioned(world)
    seen = []

    def refuse(service, operation, members):
        if operation == "CreateTable":
            raise ServiceError("No tables today")
        if operation == "DeleteObject":
            seen.append(members["Key"])

    world.before = refuse
    reason = await world.reason(CTAS)
    assert reason.endswith("InternalFailure(message:No tables today)")
    assert len(seen) == 2
    assert all(key.endswith("-manifest.csv") for key in await world.keys("results"))


async def test_removal_goes_on_when_the_service_was_busy(world):
    class Busy(ServiceError):
        code, status = "ServiceUnavailable", 503

    partitioned(world)
    attempts = []

    def refuse(service, operation, members):
        if operation == "CreateTable":
            raise ServiceError("No tables today")
        if operation == "DeleteObject":
            attempts.append(members["Key"])
            if len(attempts) == 2:
                raise Busy("Later")

    world.before = refuse
    query = await world.start(CTAS)
    async with asyncio.timeout(10):
        while len(attempts) < 4:
            await asyncio.sleep(0.005)
            world.clock.advance(1)
    done = await world.until(query, "FAILED")
    assert done["Status"]["StateChangeReason"].endswith("No tables today)")


async def test_a_deleted_work_groups_query_leaves_no_record(world):
    await world.athena("CreateWorkGroup", Name="team")
    world.sql.hold = asyncio.Event()
    await world.athena(
        "UpdateWorkGroup",
        WorkGroup="team",
        ConfigurationUpdates={"EnforceWorkGroupConfiguration": False},
    )
    query = await world.start("SELECT 1", WorkGroup="team")
    await world.until_alive(1)
    await world.athena("DeleteWorkGroup", WorkGroup="team", RecursiveDeleteOption=True)
    world.sql.hold.set()
    await world.until_alive(0)
    await world.run("SELECT 2")
    with pytest.raises(ServiceError, match="was not found"):
        await world.execution(query)


async def kept_state(records, query):
    scope = SimpleNamespace(account=ACCOUNT, region="us-east-1")
    async with records.transaction() as transaction:
        return (await store.load(transaction, scope, query)).state


async def test_a_query_ends_whatever_fails_in_the_records(world):
    """Fail at each place in turn: in the end the table is there whole, or nothing of it is."""
    partitioned(world)
    real = world.records
    succeeded = failed = 0
    for place in itertools.count():
        faults = Faults(place)
        query = await world.start(CTAS.replace("made", f"made{place}"))
        object.__setattr__(world.needs, "records", FaultyRecords(real, faults))
        async with asyncio.timeout(20):
            while (state := await kept_state(real, query)) in ("QUEUED", "RUNNING"):
                await asyncio.sleep(0.001)
                world.clock.advance(1)
        object.__setattr__(world.needs, "records", real)
        tables = (await world.glue("GetTables", DatabaseName="shop"))["TableList"]
        is_there = f"made{place}" in [table["Name"] for table in tables]
        files = [key for key in await world.keys("results") if f"{query}_" in key]
        assert (is_there, len(files)) == ((True, 2) if state == "SUCCEEDED" else (False, 0))
        succeeded += state == "SUCCEEDED"
        failed += state == "FAILED"
        if faults.struck is None:
            break
    assert succeeded > 1
    assert failed > 1
