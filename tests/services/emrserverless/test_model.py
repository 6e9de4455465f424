"""Rules of workers, capacity, use and policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.policy import allows
from millpond.services.emrserverless.errors import Validation
from millpond.services.emrserverless.model.capacity import grant, warm_workers
from millpond.services.emrserverless.model.drivers import read_driver
from millpond.services.emrserverless.model.records import Worker, Workers
from millpond.services.emrserverless.model.role import ACTIONS, actions_of
from millpond.services.emrserverless.model.usage import billed_for, run_seconds, used_by
from millpond.services.emrserverless.model.worker_settings import default_workers, read_workers
from millpond.services.emrserverless.shapes import (
    CreateApplicationRequest,
    InitialCapacityConfig,
    JobDriver,
    JobRunExecutionIamPolicy,
    SparkSubmit,
)

BIG = Worker(4, 16, 20)
WORKERS = st.builds(
    Workers,
    st.builds(Worker, st.integers(1, 16), st.integers(2, 120), st.integers(20, 200)),
    st.builds(Worker, st.integers(1, 16), st.integers(2, 120), st.integers(20, 200)),
    st.integers(1, 20),
)


def test_workers_are_aws_s_when_nothing_is_said() -> None:
    assert default_workers("Spark") == Workers(BIG, BIG, 3)
    assert default_workers("Hive") == Workers(Worker(2, 5, 20), Worker(2, 6, 20), 3)


@pytest.mark.parametrize(
    ("properties", "worker"),
    [
        ({"spark.driver.memory": "4g"}, Worker(4, 8, 20)),
        ({"spark.driver.cores": "1", "spark.driver.memory": "2g"}, Worker(1, 3, 20)),
        ({"spark.driver.memory": "12288m"}, Worker(4, 14, 20)),
        ({"spark.driver.memory": "12288"}, Worker(4, 14, 20)),
        ({"spark.driver.memory": "8g", "spark.driver.memoryOverhead": "4g"}, Worker(4, 12, 20)),
        ({"spark.driver.cores": "8", "spark.driver.memory": "30g"}, Worker(8, 36, 20)),
        ({"spark.emr-serverless.driver.disk": "100g"}, Worker(4, 16, 100)),
        ({"spark.emr-serverless.memoryOverheadFactor": "0.5"}, Worker(4, 21, 20)),
    ],
)
def test_a_worker_is_the_smallest_that_has_its_memory(
    properties: dict[str, str], worker: Worker
) -> None:
    assert read_workers("Spark", properties).driver == worker


@pytest.mark.parametrize(
    ("properties", "count"),
    [
        ({}, 3),
        ({"spark.executor.instances": "10"}, 10),
        ({"spark.dynamicAllocation.initialExecutors": "5"}, 5),
        ({"spark.dynamicAllocation.maxExecutors": "2"}, 2),
        ({"spark.dynamicAllocation.minExecutors": "7"}, 7),
        ({"spark.dynamicAllocation.enabled": "false", "spark.executor.instances": "1"}, 1),
    ],
)
def test_executors_are_counted_as_spark_counts_them(properties: dict[str, str], count: int) -> None:
    assert read_workers("Spark", properties).executors == count


@pytest.mark.parametrize(
    "properties",
    [
        {"spark.driver.cores": "3"},
        {"spark.driver.cores": "many"},
        {"spark.driver.memory": "lots"},
        {"spark.driver.memory": "64g"},
        {"spark.emr-serverless.executor.disk": "500g"},
        {"spark.driver.memoryOverheadFactor": "half"},
        {"spark.driver.memoryOverheadFactor": "nan"},
        {"spark.driver.memoryOverheadFactor": "inf"},
        {"spark.driver.memory": "9" * 5000},
        {"spark.executor.instances": "9" * 5000},
        {"spark.executor.instances": "²"},
    ],
)
def test_workers_that_there_are_not_are_refused(properties: dict[str, str]) -> None:
    with pytest.raises(Validation):
        read_workers("Spark", properties)


def test_very_many_executors_are_granted_as_far_as_there_is_room() -> None:
    wanted = Workers(Worker(1, 2, 20), Worker(1, 2, 20), 999_999_999)
    granted = grant(wanted, Worker(11, 1000, 1000))
    assert granted is not None
    assert granted.executors == 10


@given(WORKERS, st.builds(Worker, *[st.integers(0, 3000)] * 3))
def test_what_is_granted_fits_and_one_more_would_not(wanted: Workers, free: Worker) -> None:
    granted = grant(wanted, free)
    if granted is None:
        assert not free.covers(wanted.least)
        return
    assert free.covers(granted.together)
    assert 1 <= granted.executors <= wanted.executors
    if granted.executors < wanted.executors:
        more = Workers(wanted.driver, wanted.executor, granted.executors + 1)
        assert not free.covers(more.together)


@given(WORKERS, st.integers(0, 100_000))
def test_at_least_a_minute_is_billed_of_a_run_that_ran(workers: Workers, seconds: int) -> None:
    used, billed = used_by(workers, seconds), billed_for(workers, seconds)
    if seconds == 0:
        assert billed.cpu == used.cpu == 0
    else:
        assert billed.cpu == workers.together.cpu * max(seconds, 60)
        assert billed.storage <= used.storage * max(60 / seconds, 1)


def test_begun_seconds_count_whole() -> None:
    assert [run_seconds(1000, ended) for ended in (1000, 1001, 2000, 2001)] == [0, 1, 1, 2]
    assert run_seconds(None, 5000) == 0


def test_warm_workers_are_shared_among_drivers() -> None:
    def warm(**counts: int) -> tuple[int, Workers]:
        initial = {name: InitialCapacityConfig(worker_count=n) for name, n in counts.items()}
        asked = CreateApplicationRequest(
            release_label="x", type="SPARK", client_token="t", initial_capacity=initial
        )
        return warm_workers(asked, "Spark")

    assert warm(DRIVER=2, EXECUTOR=5) == (2, Workers(BIG, BIG, 3))
    assert warm(Driver=5, Executor=2) == (2, Workers(BIG, BIG, 1))
    assert warm(DRIVER=1)[0] == warm(EXECUTOR=4)[0] == warm()[0] == 0


def test_options_of_spark_submit_are_told_apart() -> None:
    text = (
        "--class a.B --conf spark.x=1=2 --conf=spark.y=3 --driver-memory 4g --jars 's3://a b.jar'"
    )
    driver = JobDriver(spark_submit=SparkSubmit(entry_point="a", spark_submit_parameters=text))
    submitted = read_driver("Spark", driver)
    assert submitted.properties == {
        "spark.x": "1=2",
        "spark.y": "3",
        "spark.driver.memory": "4g",
    }
    assert submitted.options == ("--class", "a.B", "--jars", "s3://a b.jar")


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ('["s3:*"]', {"s3:*"}),
        ('"*"', set(ACTIONS)),
        ('["s3:GetObject", "glue:Get*"]', {"s3:GetObject", "glue:Get*"}),
        ('["ec2:*"]', set()),
    ],
)
def test_a_policy_only_takes_away(asked: str, left: set[str]) -> None:
    policy = f'{{"Statement": [{{"Effect": "Allow", "Resource": "*", "Action": {asked}}}]}}'
    found = actions_of(JobRunExecutionIamPolicy(policy=policy))
    assert set(found) == left
    assert all(allows(ACTIONS, action) for action in found)
