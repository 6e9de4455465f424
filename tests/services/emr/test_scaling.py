"""Clusters follow their load: policies change their size while steps run, and figures are told."""

import pytest

MASTER = {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
CORE = {"InstanceRole": "CORE", "InstanceType": "m5.xlarge", "InstanceCount": 2}
TASK = {"InstanceRole": "TASK", "InstanceType": "m5.xlarge", "InstanceCount": 0}


def groups(*configs):
    return {"InstanceGroups": list(configs), "MasterInstanceType": None, "InstanceCount": None}


def limits(low, high, unit="Instances", **more):
    return {
        "ComputeLimits": {
            "UnitType": unit, "MinimumCapacityUnits": low, "MaximumCapacityUnits": high
        } | more
    }  # fmt: skip


def rule(name, change, metric, comparison, threshold, **more):
    alarm = {"MetricName": metric, "ComparisonOperator": comparison, "Threshold": threshold}
    return {
        "Name": name,
        "Action": {"SimpleScalingPolicyConfiguration": {"ScalingAdjustment": change} | more},
        "Trigger": {"CloudWatchAlarmDefinition": alarm | {"Period": 60}},
    }


OUT = rule("out", 2, "YARNMemoryAvailablePercentage", "LESS_THAN", 15)
IN = rule("in", -1, "YARNMemoryAvailablePercentage", "GREATER_THAN", 75)
POLICY = {"Constraints": {"MinCapacity": 1, "MaxCapacity": 5}, "Rules": [OUT, IN]}


async def waiting(bench, *configs, **more):
    cluster_id = await bench.run(keep_alive=True, Instances=groups(*configs), **more)
    await bench.until_cluster(cluster_id, "WAITING")
    return cluster_id, {kind: one["Id"] for kind, one in (await bench.groups(cluster_id)).items()}


async def counts(bench, cluster_id):
    """Running instances by kind of group."""
    found = await bench.groups(cluster_id)
    return {kind: one["RunningInstanceCount"] for kind, one in found.items() if kind != "MASTER"}


async def until_counts(bench, cluster_id, **wanted):
    await bench.until(lambda: counts(bench, cluster_id), wanted)


async def test_managed_scaling_grows_at_once_and_shrinks_when_idle(bench):
    policy = limits(2, 6, MaximumCoreCapacityUnits=3)
    cluster_id, _ = await waiting(bench, MASTER, CORE, TASK, ManagedScalingPolicy=policy)
    (order,) = bench.spark.orders
    assert {node.size.cores for node in order.nodes} == {1}, "8 cores for 6 nodes at the most"
    bench.spark.wanted = 50
    await bench.aws("AddJobFlowSteps", JobFlowId=cluster_id, Steps=[bench.step("hang")])
    await bench.until_steps(cluster_id, "RUNNING")
    await bench.tick(4)
    await until_counts(bench, cluster_id, CORE=3, TASK=3)
    bench.spark.wanted = 0
    await bench.tick(10)
    assert await counts(bench, cluster_id) == {"CORE": 3, "TASK": 3}, "not for a short pause"
    await bench.tick(12)
    await until_counts(bench, cluster_id, CORE=2, TASK=0)
    removed = [event[1] for event in bench.spark.events if event[0] == "removing"]
    task = await bench.instances(cluster_id, InstanceGroupTypes=["TASK"])
    assert len(removed) == 4 and {one["Ec2InstanceId"] for one in task} < set(removed)
    assert await bench.step_states(cluster_id) == ["RUNNING"]
    assert len(bench.spark.orders) == 1


async def test_managed_scaling_can_be_put_changed_and_removed(bench, refusal):
    cluster_id, ids = await waiting(bench, MASTER, CORE)
    assert await bench.aws("GetManagedScalingPolicy", ClusterId=cluster_id) == {}
    policy = limits(3, 5)
    await bench.aws("PutManagedScalingPolicy", ClusterId=cluster_id, ManagedScalingPolicy=policy)
    answer = await bench.aws("GetManagedScalingPolicy", ClusterId=cluster_id)
    assert answer == {"ManagedScalingPolicy": policy}
    await bench.tick(4)
    await until_counts(bench, cluster_id, CORE=3)
    policy = limits(4, 32, "VCPU")
    await bench.aws("PutManagedScalingPolicy", ClusterId=cluster_id, ManagedScalingPolicy=policy)
    bench.spark.wanted = 20
    await bench.tick(4)
    await until_counts(bench, cluster_id, CORE=8)
    told = await refusal(
        bench.aws(
            "PutAutoScalingPolicy",
            ClusterId=cluster_id,
            InstanceGroupId=ids["CORE"],
            AutoScalingPolicy=POLICY,
        )
    )
    assert "with managed scaling" in told.message
    await bench.aws("RemoveManagedScalingPolicy", ClusterId=cluster_id)
    bench.spark.wanted = 0
    await bench.tick(60)
    assert await counts(bench, cluster_id) == {"CORE": 8}


async def test_managed_scaling_sets_the_targets_of_fleets(bench):
    def fleet(kind, on_demand):
        types = [{"InstanceType": "m5.xlarge", "WeightedCapacity": 2}]
        return {
            "InstanceFleetType": kind,
            "TargetOnDemandCapacity": on_demand,
            "InstanceTypeConfigs": types,
        }

    policy = limits(
        2, 12, "InstanceFleetUnits", MaximumOnDemandCapacityUnits=4, MaximumCoreCapacityUnits=8
    )
    cluster_id = await bench.run(
        keep_alive=True,
        Instances={
            "InstanceFleets": [fleet("MASTER", 1), fleet("CORE", 2)],
            "MasterInstanceType": None,
            "InstanceCount": None,
        },
        ManagedScalingPolicy=policy,
    )
    await bench.until_cluster(cluster_id, "WAITING")
    bench.spark.wanted = 99
    await bench.tick(4)

    async def core():
        answer = await bench.aws("ListInstanceFleets", ClusterId=cluster_id)
        fleet = answer["InstanceFleets"][1]
        return fleet["ProvisionedOnDemandCapacity"], fleet["ProvisionedSpotCapacity"]

    await bench.until(core, (4, 4))
    bench.spark.wanted = 0
    await bench.tick(40)
    await bench.until(core, (2, 0))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({}, "ComputeLimits must be specified"),
        (limits(1, 2, "InstanceFleetUnits"), "must be one of Instances, VCPU"),
        (limits(3, 2), "MinimumCapacityUnits 3 must be at least 1"),
        (limits(0, 2), "MinimumCapacityUnits 0 must be at least 1"),
        (limits(1, 2, MaximumCoreCapacityUnits=3), "MaximumCoreCapacityUnits 3 must be between"),
        (limits(1, 2, MaximumOnDemandCapacityUnits=3), "MaximumOnDemandCapacityUnits 3"),
        (limits(1, 2) | {"ScalingStrategy": "ADVANCED"}, "ADVANCED is not supported"),
    ],
)
async def test_limits_that_cannot_be_are_refused(bench, refusal, policy, message):
    cluster_id, _ = await waiting(bench, MASTER, CORE)
    told = await refusal(
        bench.aws("PutManagedScalingPolicy", ClusterId=cluster_id, ManagedScalingPolicy=policy)
    )
    assert (told.code, message in told.message) == ("InvalidRequestException", True), told
    told = await refusal(bench.run(Instances=groups(MASTER, CORE), ManagedScalingPolicy=policy))
    assert message in told.message


async def test_rules_on_metrics_size_a_group(bench):
    core = CORE | {"AutoScalingPolicy": POLICY}
    cluster_id, ids = await waiting(
        bench, MASTER, core, AutoScalingRole="EMR_AutoScaling_DefaultRole"
    )
    shown = (await bench.groups(cluster_id))["CORE"]["AutoScalingPolicy"]
    assert shown["Status"]["State"] == "ATTACHED"
    assert [one["Name"] for one in shown["Rules"]] == ["out", "in"]
    bench.spark.wanted = 99
    await bench.tick(64)
    await until_counts(bench, cluster_id, CORE=4)
    await bench.tick(64)
    await until_counts(bench, cluster_id, CORE=5)
    bench.spark.wanted = 0
    await bench.tick(124)
    assert (await bench.groups(cluster_id))["CORE"]["RequestedInstanceCount"] < 5
    await bench.aws("RemoveAutoScalingPolicy", ClusterId=cluster_id, InstanceGroupId=ids["CORE"])
    left = await counts(bench, cluster_id)
    await bench.tick(124)
    assert await counts(bench, cluster_id) == left
    assert "AutoScalingPolicy" not in (await bench.groups(cluster_id))["CORE"]


async def test_a_policy_is_put_on_a_running_group(bench, refusal):
    cluster_id, ids = await waiting(bench, MASTER, CORE)
    put = {"ClusterId": cluster_id, "InstanceGroupId": ids["CORE"], "AutoScalingPolicy": POLICY}
    answer = await bench.aws("PutAutoScalingPolicy", **put)
    assert answer["AutoScalingPolicy"]["Constraints"] == POLICY["Constraints"]
    assert answer["ClusterArn"].endswith(cluster_id)
    told = await refusal(bench.aws("PutAutoScalingPolicy", **put | {"InstanceGroupId": "ig-NONE"}))
    assert told.message == "Instance group id 'ig-NONE' is not valid."
    bad = POLICY | {"Rules": [rule("r", 1, "HDFSUtilization", "GREATER_THAN", 1)]}
    told = await refusal(bench.aws("PutAutoScalingPolicy", **put | {"AutoScalingPolicy": bad}))
    assert (told.code, "is not measured" in told.message) == ("ValidationException", True)
    told = await refusal(
        bench.aws(
            "PutManagedScalingPolicy", ClusterId=cluster_id, ManagedScalingPolicy=limits(1, 2)
        )
    )
    assert "has an automatic scaling policy" in told.message


async def test_figures_are_told_by_the_minute(bench):
    cluster_id, _ = await waiting(bench, MASTER, CORE, TASK | {"InstanceCount": 1})
    await bench.tick(60)
    bench.meter.drain()
    bench.spark.wanted = 20
    await bench.tick(60)
    drained = {
        metric.name: statistics
        for (metric, _), statistics in bench.meter.drain().items()
        if metric.dimensions == (("JobFlowId", cluster_id),)
    }
    cores = sum(size.cores for size in bench.spark.nodes.values())
    assert drained["CoreNodesRunning"].total == 2
    assert drained["TaskNodesRunning"].total == 1
    assert drained["ContainerAllocated"].total == cores
    assert drained["ContainerPending"].total == 20 - cores
    assert drained["YARNMemoryAvailablePercentage"].total == 0
    assert drained["IsIdle"].total == 1
    assert {"AppsRunning", "AppsPending", "MRActiveNodes", "TotalNodesRequested"} <= set(drained)


async def test_an_idle_cluster_that_scales_still_ends_by_its_policy(bench):
    cluster_id, _ = await waiting(
        bench, MASTER, CORE,
        ManagedScalingPolicy=limits(1, 3), AutoTerminationPolicy={"IdleTimeout": 120},
    )  # fmt: skip
    await bench.tick(80)
    await until_counts(bench, cluster_id, CORE=1)
    assert await bench.state(cluster_id) == "WAITING"
    await bench.tick(44)
    await bench.until_cluster(cluster_id, "TERMINATED")
