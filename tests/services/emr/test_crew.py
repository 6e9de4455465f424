"""Which instances there are to be, and what each gets of the machine, whatever is asked for."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from millpond.engines.spark.interface import NODE_MEMORY_BYTES_MIN, Size
from millpond.services.emr import shapes
from millpond.services.emr.model import crew
from millpond.services.emr.model.instance_types import find_type
from millpond.services.emr.model.records import Cluster, Fleet, Group, Scaling
from millpond.services.emr.model.sizes import nodes, room

TYPES = ("m5.xlarge", "c5.4xlarge", "r5.24xlarge", "m4.large")
GIB = 1 << 30


def group(number, role, instance_type, size, top=None):
    config = shapes.InstanceGroupConfig(
        instance_role=role, instance_type=instance_type, instance_count=size
    )
    limits = top and shapes.ScalingConstraints(min_capacity=0, max_capacity=top)
    policy = limits and shapes.AutoScalingPolicy(constraints=limits, rules=[])
    return Group(id=f"ig-{number}", config=config, scaling=policy and Scaling(policy=policy))


def fleet(number, kind, on_demand, spot, weight):
    one = shapes.InstanceTypeConfig(instance_type="m5.xlarge", weighted_capacity=weight)
    config = shapes.InstanceFleetConfig(
        instance_fleet_type=kind,
        target_on_demand_capacity=on_demand,
        target_spot_capacity=spot,
        instance_type_configs=[one],
    )
    return Fleet(id=f"if-{number}", config=config)


def cluster(groups=(), fleets=(), **more):
    request = shapes.RunJobFlowInput(name="n", instances=shapes.JobFlowInstancesConfig())
    return Cluster(
        id="j-1", arn="arn", request=request, creator_arn="arn", created_ms=0,
        groups=tuple(groups), fleets=tuple(fleets), **more,
    )  # fmt: skip


COUNTS = st.integers(0, 30)
GROUPED = st.builds(
    lambda core, task, kinds: cluster(
        [
            group(1, "MASTER", "m5.xlarge", 1),
            group(2, "CORE", kinds[0], core + 1),
            group(3, "TASK", kinds[1], task),
        ]
    ),
    COUNTS,
    COUNTS,
    st.tuples(st.sampled_from(TYPES), st.sampled_from(TYPES)),
)
FLEETED = st.builds(
    lambda core, spot, task, weight: cluster(
        fleets=[
            fleet(1, "MASTER", 1, 0, 1),
            fleet(2, "CORE", core + 1, spot, weight),
            fleet(3, "TASK", 0, task, weight),
        ]
    ),
    COUNTS,
    COUNTS,
    COUNTS,
    st.integers(1, 5),
)


def staffed(made, nodes_max):
    numbers = count(len(made.instances) * 10)
    return crew.grow(made, nodes_max, lambda prefix: f"{prefix}{next(numbers)}", 0)


def there(made, slot):
    return [one for one in made.instances if slot.holds(one) and one.stays]


@given(st.one_of(GROUPED, FLEETED), st.integers(0, 100))
def test_slots_are_filled_as_far_as_there_is_room(made, nodes_max):
    made = staffed(made, nodes_max)
    workers = [one for one in made.instances if one.role != "MASTER"]
    assert len(workers) <= nodes_max
    assert len({one.ec2_id for one in made.instances}) == len(made.instances)
    for slot in crew.slots(made):
        units = len(there(made, slot)) * slot.weight
        assert units < slot.target + slot.weight
        assert units >= slot.target or len(workers) == nodes_max
    assert staffed(made, nodes_max) == made
    assert not crew.is_unsettled(made, nodes_max)


@given(GROUPED, GROUPED, st.integers(0, 100))
def test_a_resized_cluster_has_what_it_asks_for(before, after, nodes_max):
    made = staffed(before, nodes_max)
    made = replace(made, groups=after.groups)
    settled = staffed(crew.shrink(made, {}, 0), 1000)
    for slot in crew.slots(settled):
        assert len(there(settled, slot)) == slot.target
    kept = {one.id for one in made.instances} & {one.id for one in settled.instances}
    assert kept == {one.id for one in made.instances}, "an instance leaves, it does not vanish"


@given(st.one_of(GROUPED, FLEETED), st.integers(1, 64), st.integers(1, 64))
def test_nodes_share_the_machine_and_get_no_more_than_their_type_has(made, cores, gib):
    capacity = Size(cores, gib * GIB)
    made = staffed(made, room(capacity))
    found = nodes(made, capacity)
    types = {one.ec2_id: find_type(one.instance_type).size for one in made.instances}
    for node in found:
        asked = types[node.name]
        assert 1 <= node.size.cores <= asked.cores
        assert node.size.memory_bytes <= max(asked.memory_bytes, NODE_MEMORY_BYTES_MIN)
    least = len(found) * NODE_MEMORY_BYTES_MIN
    assert sum(node.size.memory_bytes for node in found) <= capacity.memory_bytes + least
    assert {node.name for node in found} == {
        one.ec2_id for one in made.instances if one.role != "MASTER"
    }


def test_there_is_room_to_grow_to_the_maximum_of_a_policy():
    made = staffed(
        cluster([group(1, "MASTER", "m5.xlarge", 1), group(2, "CORE", "m5.xlarge", 2, top=4)]), 100
    )
    assert {node.size for node in nodes(made, Size(8, 16 * GIB))} == {Size(2, 4 * GIB)}
    limits = shapes.ComputeLimits(
        unit_type="VCPU", minimum_capacity_units=4, maximum_capacity_units=32
    )
    policy = shapes.ManagedScalingPolicy(compute_limits=limits)
    made = replace(made, managed_scaling=policy)
    assert {node.size for node in nodes(made, Size(8, 16 * GIB))} == {Size(1, 2 * GIB)}


@pytest.mark.parametrize(
    ("name", "cores", "memory_gib", "weight"),
    [
        ("m5.xlarge", 4, 16, 8),
        ("m4.large", 2, 8, 4),
        ("c5.9xlarge", 36, 72, 72),
        ("c4.8xlarge", 36, 60, 64),
        ("r5.24xlarge", 96, 768, 192),
        ("r8g.medium", 1, 8, 2),
        ("i3.2xlarge", 8, 61, 16),
        ("m1.small", 1, 1.7, 1),
        ("x1e.32xlarge", 128, 3904, 256),
        ("m5.metal", 96, 384, 192),
        ("c7i-flex.2xlarge", 8, 16, 16),
    ],
)
def test_types_have_the_size_that_they_have_on_ec2(name, cores, memory_gib, weight):
    found = find_type(name)
    assert (found.cores, found.memory_gib, found.weight) == (cores, memory_gib, weight)


@pytest.mark.parametrize("name", ["t3.micro", "large", "m5", "m5.", "m5.huge", "", "m55.xlarge"])
def test_what_is_no_type_is_not_found(name):
    assert find_type(name) is None
