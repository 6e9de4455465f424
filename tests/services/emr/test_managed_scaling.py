"""Managed scaling's rule, whatever the limits, the pools and the load are."""

from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.engines.spark.interface import Load
from millpond.services.emr.model.managed_scaling import Bounds, Pool, assign, wanted_units

IS_CORE, IS_ON_DEMAND = attrgetter("is_core"), attrgetter("is_on_demand")
MARKETS = ("ON_DEMAND", "SPOT")


@st.composite
def bounds(draw):
    high = draw(st.integers(1, 16))
    return Bounds(
        low=draw(st.integers(1, high)),
        high=high,
        core_high=draw(st.integers(1, high)),
        on_demand_high=draw(st.integers(0, high)),
    )


@st.composite
def pools(draw):
    """A core pool with an instance at least, and others."""
    found = [Pool(("core", draw(st.sampled_from(MARKETS))), True, *draw(_numbers(1)))]
    for number in range(draw(st.integers(0, 3))):
        key = (f"part-{number}", draw(st.sampled_from(MARKETS)))
        found.append(Pool(key, draw(st.booleans()), *draw(_numbers(0))))
    return found


def _numbers(low):
    return st.tuples(st.integers(1, 4), st.integers(low, 5))


def after(given_pools, counts):
    return [Pool(one.key, one.is_core, one.units, counts[one.key]) for one in given_pools]


def total(found):
    return sum(pool.total for pool in found)


@settings(max_examples=400)
@given(bounds(), pools(), st.integers(0, 20))
def test_no_limit_is_exceeded_but_by_the_core_instance_that_stays(limits, there, wanted):
    made = after(there, assign(limits, there, wanted))
    core = [pool for pool in made if pool.is_core]
    assert sum(pool.count for pool in core) >= 1
    lone = max(pool.units for pool in core)
    for found, high in (
        (made, limits.high),
        (core, limits.core_high),
        ([pool for pool in made if pool.is_on_demand], limits.on_demand_high),
    ):
        assert total(found) <= max(high, lone)


@settings(max_examples=400)
@given(bounds(), pools(), st.integers(0, 20))
def test_deciding_again_changes_nothing(limits, there, wanted):
    made = after(there, assign(limits, there, wanted))
    assert assign(limits, made, wanted) == {pool.key: pool.count for pool in made}


@settings(max_examples=400)
@given(bounds(), pools(), st.integers(0, 20), st.integers(0, 20))
def test_within_the_limits_it_only_grows_or_only_shrinks(limits, there, before, wanted):
    there = after(there, assign(limits, there, before))
    core, on_demand = ([p for p in there if kind(p)] for kind in (IS_CORE, IS_ON_DEMAND))
    if total(core) > limits.core_high or total(on_demand) > limits.on_demand_high:
        return  # a lone core instance that goes once there is another
    made = assign(limits, there, wanted)
    goal = min(max(wanted, limits.low), limits.high)
    for pool in there:
        if goal >= total(there):
            assert made[pool.key] >= pool.count
        else:
            assert made[pool.key] <= pool.count
    if goal < total(there):
        assert total(after(there, made)) >= goal
        if any(made[pool.key] < pool.count for pool in there if pool.is_core):
            left = [pool for pool in after(there, made) if not pool.is_core]
            assert all(total(after(there, made)) - pool.units < goal for pool in left if pool.count)


@pytest.mark.parametrize(
    ("wanted", "core", "task"), [(0, 2, 0), (2, 2, 0), (3, 3, 0), (4, 4, 0), (9, 4, 5), (99, 4, 6)]
)
def test_core_nodes_come_first_and_task_nodes_beyond_their_maximum(wanted, core, task):
    limits = Bounds(low=2, high=10, core_high=4, on_demand_high=10)
    there = [
        Pool(("ig-c", "ON_DEMAND"), True, 1, 2),
        Pool(("ig-t", "ON_DEMAND"), False, 1, 0),
    ]
    assert assign(limits, there, wanted) == {
        ("ig-c", "ON_DEMAND"): core,
        ("ig-t", "ON_DEMAND"): task,
    }


def test_task_nodes_go_first_and_spot_before_on_demand():
    limits = Bounds(low=1, high=20, core_high=20, on_demand_high=20)
    there = [
        Pool(("if-c", "ON_DEMAND"), True, 1, 4),
        Pool(("if-t", "ON_DEMAND"), False, 1, 2),
        Pool(("if-t", "SPOT"), False, 1, 3),
    ]
    counts = [tuple(assign(limits, there, wanted).values()) for wanted in (9, 7, 5, 3, 0)]
    assert counts == [(4, 2, 3), (4, 2, 1), (4, 1, 0), (3, 0, 0), (1, 0, 0)]


def test_a_fleet_grows_by_spot_beyond_its_on_demand_maximum():
    limits = Bounds(low=2, high=12, core_high=4, on_demand_high=6)
    there = [
        Pool(("if-c", "ON_DEMAND"), True, 2, 1),
        Pool(("if-c", "SPOT"), True, 2, 0),
        Pool(("if-t", "ON_DEMAND"), False, 2, 0),
        Pool(("if-t", "SPOT"), False, 2, 0),
    ]
    assert tuple(assign(limits, there, 12).values()) == (2, 0, 1, 3)


def load(cores, used, wanted, waiting=0):
    return Load({}, cores, used, wanted, 0, 0, 1, waiting)


@pytest.mark.parametrize(
    ("seen", "running", "units"),
    [
        (load(4, 0, 0), 2, 0),
        (load(4, 2, 0), 2, 1),
        (load(4, 3, 0), 2, 2),
        (load(4, 4, 5), 2, 5),
        (load(4, 4, 0, waiting=1), 2, 3),
        (load(0, 0, 3), 0, 3),
        (load(2, 2, 2), 16, 32),
    ],
)
def test_work_is_counted_in_the_units_that_do_it(seen, running, units):
    assert wanted_units(seen, running) == units
