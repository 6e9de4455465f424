"""Groups and fleets change while a cluster lives, and its steps go on."""

import pytest

MASTER = {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
CORE = {"InstanceRole": "CORE", "InstanceType": "m5.xlarge", "InstanceCount": 2}
TASK = {"InstanceRole": "TASK", "InstanceType": "c5.2xlarge", "InstanceCount": 1}
SPOT = TASK | {"Market": "SPOT", "Name": "spot"}
GIB = 1 << 30


def groups(*configs):
    return {"InstanceGroups": list(configs), "MasterInstanceType": None, "InstanceCount": None}


def fleet(kind, on_demand=0, spot=0, weight=1, name="m5.xlarge"):
    types = [{"InstanceType": name, "WeightedCapacity": weight}]
    return {
        "InstanceFleetType": kind,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": types,
    }


def fleets(*configs):
    return {"InstanceFleets": list(configs), "MasterInstanceType": None, "InstanceCount": None}


async def waiting(bench, *configs, **more):
    """A cluster with these groups that waits, and its groups' ids by kind."""
    cluster_id = await bench.run(keep_alive=True, Instances=groups(*configs), **more)
    await bench.until_cluster(cluster_id, "WAITING")
    return cluster_id, {kind: one["Id"] for kind, one in (await bench.groups(cluster_id)).items()}


async def resize(bench, group_id, count=None, **more):
    change = {"InstanceGroupId": group_id} | ({} if count is None else {"InstanceCount": count})
    await bench.aws("ModifyInstanceGroups", InstanceGroups=[change | more])


def ec2_ids(instances):
    return [one["Ec2InstanceId"] for one in instances]


async def test_each_worker_is_a_node_with_its_share_of_the_machine(bench):
    await waiting(bench, MASTER, CORE, TASK)
    (order,) = bench.spark.orders
    sizes = [(node.size.cores, node.size.memory_bytes // GIB) for node in order.nodes]
    assert sizes == [(2, 5), (2, 5), (4, 5)], "4, 4 and 8 of 16 cores on 8; 16 of 48 GiB on 16"


async def test_the_master_works_where_there_is_no_other(bench):
    cluster_id = await bench.run(keep_alive=True)
    await bench.until_cluster(cluster_id, "WAITING")
    (instance,) = await bench.instances(cluster_id)
    (node,) = bench.spark.orders[0].nodes
    assert node.name == instance["Ec2InstanceId"]
    assert (node.size.cores, node.size.memory_bytes) == (4, 16 * GIB)


async def test_instances_come_while_steps_run(bench):
    cluster_id, ids = await waiting(bench, MASTER, CORE)
    await bench.aws("AddJobFlowSteps", JobFlowId=cluster_id, Steps=[bench.step("hang")])
    await bench.until_steps(cluster_id, "RUNNING")
    await resize(bench, ids["CORE"], 4)
    instances = await bench.until_instances(
        cluster_id, *["RUNNING"] * 4, InstanceGroupId=ids["CORE"]
    )
    assert set(ec2_ids(instances)) == set(bench.spark.nodes)
    core = (await bench.groups(cluster_id))["CORE"]
    assert (core["RequestedInstanceCount"], core["RunningInstanceCount"]) == (4, 4)
    assert core["Status"]["State"] == "RUNNING"
    assert len(bench.spark.orders) == 1
    assert await bench.step_states(cluster_id) == ["RUNNING"]


async def test_the_least_busy_instances_go_and_finish_their_work(bench):
    cluster_id, ids = await waiting(bench, MASTER, CORE | {"InstanceCount": 3})
    busy, second, idle = bench.spark.nodes
    bench.spark.wanted = 3
    bench.spark.let_go.clear()
    await resize(bench, ids["CORE"], 1, ShrinkPolicy={"DecommissionTimeout": 77})
    await bench.until(lambda: _count(bench, "removing"), 2)
    assert set(bench.spark.events) == {("removing", idle, 77), ("removing", second, 77)}
    core = (await bench.groups(cluster_id))["CORE"]
    assert (core["RequestedInstanceCount"], core["RunningInstanceCount"]) == (1, 3)
    assert core["Status"]["State"] == "RESIZING"
    assert core["ShrinkPolicy"] == {"DecommissionTimeout": 77}
    bench.spark.let_go.set()
    ended = await bench.until_instances(
        cluster_id, "TERMINATED", "TERMINATED", InstanceStates=["TERMINATED"]
    )
    assert set(ec2_ids(ended)) == {idle, second}
    assert ended[0]["Status"]["StateChangeReason"]["Message"].endswith("was resized.")
    timeline = ended[0]["Status"]["Timeline"]
    assert timeline["CreationDateTime"] <= timeline["ReadyDateTime"] <= timeline["EndDateTime"]
    assert set(bench.spark.nodes) == {busy}


async def test_instances_are_named_to_be_terminated_or_protected(bench):
    cluster_id, ids = await waiting(bench, MASTER, CORE | {"InstanceCount": 4})
    _, b, c, d = bench.spark.nodes
    await resize(bench, ids["CORE"], EC2InstanceIdsToTerminate=[b])
    await bench.until_instances(
        cluster_id, *["RUNNING"] * 3, "TERMINATED", InstanceGroupId=ids["CORE"]
    )
    assert (await bench.groups(cluster_id))["CORE"]["RequestedInstanceCount"] == 3
    policy = {"InstanceResizePolicy": {"InstancesToProtect": [d, c]}}
    await resize(bench, ids["CORE"], 2, ShrinkPolicy=policy)
    await bench.until_instances(
        cluster_id, "RUNNING", "RUNNING", InstanceGroupId=ids["CORE"], InstanceStates=["RUNNING"]
    )
    assert set(bench.spark.nodes) == {c, d}
    policy = {
        "InstanceResizePolicy": {"InstancesToTerminate": [d], "InstanceTerminationTimeout": 5}
    }
    await resize(bench, ids["CORE"], 1, ShrinkPolicy=policy)
    await bench.until_instances(
        cluster_id, "RUNNING", InstanceGroupId=ids["CORE"], InstanceStates=["RUNNING"]
    )
    assert bench.spark.events[-1] == ("removing", d, 5)


async def test_task_groups_are_added(bench):
    cluster_id, _ = await waiting(bench, MASTER, CORE)
    answer = await bench.aws(
        "AddInstanceGroups",
        JobFlowId=cluster_id,
        InstanceGroups=[TASK, SPOT | {"InstanceCount": 2}],
    )
    first, second = answer["InstanceGroupIds"]
    await bench.until_instances(cluster_id, "RUNNING", InstanceGroupId=first)
    instances = await bench.until_instances(
        cluster_id, "RUNNING", "RUNNING", InstanceGroupId=second
    )
    assert [one["Market"] for one in instances] == ["SPOT", "SPOT"]
    assert len(bench.spark.nodes) == 5


async def test_fleets_are_added_and_their_targets_changed(bench):
    cluster_id = await bench.run(
        keep_alive=True, Instances=fleets(fleet("MASTER", 1), fleet("CORE", 2, weight=2))
    )
    await bench.until_cluster(cluster_id, "WAITING")
    added = await bench.aws(
        "AddInstanceFleet", ClusterId=cluster_id, InstanceFleet=fleet("TASK", 0, 4, weight=4)
    )
    fleet_id = added["InstanceFleetId"]
    (spot,) = await bench.until_instances(cluster_id, "RUNNING", InstanceFleetId=fleet_id)
    assert spot["Market"] == "SPOT"
    change = {"InstanceFleetId": fleet_id, "TargetOnDemandCapacity": 5, "TargetSpotCapacity": 0}
    await bench.aws("ModifyInstanceFleet", ClusterId=cluster_id, InstanceFleet=change)
    await bench.until_instances(
        cluster_id, "RUNNING", "RUNNING", "TERMINATED", InstanceFleetId=fleet_id
    )
    _, _, task = (await bench.aws("ListInstanceFleets", ClusterId=cluster_id))["InstanceFleets"]
    assert task["ProvisionedOnDemandCapacity"] == 8, "the target is exceeded by the last one"
    assert task["ProvisionedSpotCapacity"] == 0
    assert task["Status"]["State"] == "RUNNING"


async def test_a_group_has_no_more_than_there_is_room_for(bench):
    bench.spark.size = type(bench.spark.size)(2, 2 * GIB)
    cluster_id, ids = await waiting(bench, MASTER, CORE | {"InstanceCount": 50})
    core = (await bench.groups(cluster_id))["CORE"]
    assert (core["RequestedInstanceCount"], core["RunningInstanceCount"]) == (50, 4)
    assert core["Status"]["State"] == "SUSPENDED"
    assert "room for no more nodes" in core["Status"]["StateChangeReason"]["Message"]
    assert {(one.cores, one.memory_bytes) for one in bench.spark.nodes.values()} == {(1, GIB // 2)}
    await resize(bench, ids["CORE"], 3)
    await bench.until_instances(
        cluster_id, *["RUNNING"] * 3, InstanceGroupId=ids["CORE"], InstanceStates=["RUNNING"]
    )
    assert (await bench.groups(cluster_id))["CORE"]["Status"]["State"] == "RUNNING"


async def test_a_node_that_does_not_come_up_is_tried_again_later(bench):
    cluster_id, ids = await waiting(bench, MASTER, CORE)
    bench.spark.failing_nodes = ["no memory"]
    await resize(bench, ids["CORE"], 3)
    found = await bench.until_instances(
        cluster_id, "RUNNING", "RUNNING", "TERMINATED", InstanceGroupId=ids["CORE"]
    )
    assert found[0]["Status"]["StateChangeReason"] == {
        "Code": "INSTANCE_FAILURE",
        "Message": "no memory",
    }
    await bench.tick(32)
    await bench.until_instances(
        cluster_id, *["RUNNING"] * 3, InstanceGroupId=ids["CORE"], InstanceStates=["RUNNING"]
    )


async def test_after_a_restart_groups_are_as_they_were_scaled(bench):
    cluster_id, ids = await waiting(bench, MASTER, CORE)
    await resize(bench, ids["CORE"], 3)
    instances = await bench.until_instances(
        cluster_id, *["RUNNING"] * 3, InstanceGroupId=ids["CORE"]
    )
    bench.spark.let_go.clear()
    await resize(bench, ids["CORE"], EC2InstanceIdsToTerminate=[instances[0]["Ec2InstanceId"]])
    await bench.until(lambda: _count(bench, "removing"), 1)
    await bench.restart()
    await bench.until_instances(
        cluster_id, "RUNNING", "RUNNING", "TERMINATED", InstanceGroupId=ids["CORE"]
    )
    await bench.until(lambda: _orders(bench), 2)
    assert [node.name for node in bench.spark.orders[1].nodes] == ec2_ids(instances)[1:]


async def _orders(bench):
    return len(bench.spark.orders)


async def _count(bench, what):
    return sum(event[0] == what for event in bench.spark.events)


async def test_all_instances_end_with_their_cluster(bench):
    cluster_id, _ = await waiting(bench, MASTER, CORE)
    await bench.aws("TerminateJobFlows", JobFlowIds=[cluster_id])
    await bench.until_cluster(cluster_id, "TERMINATED")
    for instance in await bench.instances(cluster_id):
        assert instance["Status"]["State"] == "TERMINATED"
        assert instance["Status"]["StateChangeReason"]["Code"] == "CLUSTER_TERMINATED"
    core = (await bench.groups(cluster_id))["CORE"]
    assert (core["RequestedInstanceCount"], core["RunningInstanceCount"]) == (0, 0)


async def test_hours_are_counted_of_instances_that_are_gone_too(bench):
    cluster_id, ids = await waiting(bench, MASTER, CORE)
    bench.clock.advance(600)
    await resize(bench, ids["CORE"], 1)
    await bench.until_instances(cluster_id, "TERMINATED", InstanceStates=["TERMINATED"])
    bench.clock.advance(3600)
    assert (await bench.cluster(cluster_id))["NormalizedInstanceHours"] == 8 + 8 * 2 + 8 * 2


async def test_a_reconfigured_group_s_engine_starts_anew_between_steps(bench):
    cluster_id, ids = await waiting(bench, MASTER, CORE)
    await bench.aws("AddJobFlowSteps", JobFlowId=cluster_id, Steps=[bench.step("hang")])
    await bench.until_steps(cluster_id, "RUNNING")
    one = {"Classification": "spark-defaults", "Properties": {"spark.a": "1"}}
    await resize(bench, ids["CORE"], Configurations=[one])
    two = {"Classification": "spark-defaults", "Properties": {"spark.b": "2"}}
    await resize(bench, ids["CORE"], Configurations=[two], ReconfigurationType="MERGE")
    core = (await bench.groups(cluster_id))["CORE"]
    assert core["Status"]["State"] == "RECONFIGURING"
    assert (
        core["ConfigurationsVersion"],
        core["LastSuccessfullyAppliedConfigurationsVersion"],
    ) == (2, 0)
    (step,) = await bench.steps(cluster_id)
    await bench.aws("CancelSteps", ClusterId=cluster_id, StepIds=[step["Id"]])

    async def applied():
        core = (await bench.groups(cluster_id))["CORE"]
        return core["LastSuccessfullyAppliedConfigurationsVersion"]

    await bench.until(applied, 2)
    assert bench.spark.orders[1].properties == {"spark.a": "1", "spark.b": "2"}
    assert len(bench.spark.orders[1].nodes) == 2
    assert (await bench.groups(cluster_id))["CORE"]["Status"]["State"] == "RUNNING"


async def test_what_cannot_be_is_refused(bench, refusal):
    cluster_id, ids = await waiting(bench, MASTER, CORE, TASK)
    other, _ = await waiting(bench, MASTER)
    instance = (await bench.instances(cluster_id, InstanceGroupTypes=["TASK"]))[0]
    for change, message in (
        ({"InstanceGroupId": ids["MASTER"], "InstanceCount": 2}, "master instance group cannot be"),
        ({"InstanceGroupId": ids["CORE"], "InstanceCount": 0}, "InstanceCount of 0 is not valid"),
        ({"InstanceGroupId": "ig-NONE", "InstanceCount": 1}, "'ig-NONE' is not valid"),
        (
            {
                "InstanceGroupId": ids["CORE"],
                "EC2InstanceIdsToTerminate": [instance["Ec2InstanceId"]],
            },
            f"is not a running instance of group {ids['CORE']}",
        ),
        (
            {
                "InstanceGroupId": ids["CORE"],
                "Configurations": [{"Classification": "flink-conf", "Properties": {}}],
            },
            "Classification 'flink-conf' is not supported",
        ),
    ):
        told = await refusal(bench.aws("ModifyInstanceGroups", InstanceGroups=[change]))
        assert message in told.message
    change = {"InstanceGroupId": ids["CORE"], "InstanceCount": 1}
    told = await refusal(
        bench.aws("ModifyInstanceGroups", ClusterId=other, InstanceGroups=[change])
    )
    assert told.code == "InvalidRequestException"
    for added, message in (
        (CORE, "Only task instance groups"),
        (TASK | {"InstanceType": "t3.micro"}, "'t3.micro' is not supported"),
        (TASK | {"BidPrice": "1"}, "BidPrice is for groups with Market SPOT"),
    ):
        told = await refusal(
            bench.aws("AddInstanceGroups", JobFlowId=cluster_id, InstanceGroups=[added])
        )
        assert (told.code, message in told.message) == ("ValidationException", True)
    told = await refusal(
        bench.aws("AddInstanceFleet", ClusterId=cluster_id, InstanceFleet=fleet("TASK", 1))
    )
    assert told.message == "Instance fleets and instance groups are mutually exclusive."
    assert await _count(bench, "added") == 0


async def test_fleets_that_cannot_be_are_refused(bench, refusal):
    cluster_id = await bench.run(
        keep_alive=True, Instances=fleets(fleet("MASTER", 1), fleet("CORE", 2))
    )
    listed = await bench.aws("ListInstanceFleets", ClusterId=cluster_id)
    master, core = [one["Id"] for one in listed["InstanceFleets"]]
    for operation, change, message in (
        ("ModifyInstanceFleet", {"InstanceFleetId": "if-NONE"}, "'if-NONE' is not valid"),
        (
            "ModifyInstanceFleet",
            {"InstanceFleetId": master, "TargetOnDemandCapacity": 2},
            "master instance fleet cannot be resized",
        ),
        (
            "ModifyInstanceFleet",
            {"InstanceFleetId": core, "TargetOnDemandCapacity": 0},
            "at least 1 in total",
        ),
        ("AddInstanceFleet", fleet("CORE", 1), "Only a task instance fleet"),
    ):
        told = await refusal(bench.aws(operation, ClusterId=cluster_id, InstanceFleet=change))
        assert (told.code, message in told.message) == ("InvalidRequestException", True), told


@pytest.mark.parametrize("notice", ["", " notice=0"])
async def test_a_spot_instance_is_interrupted_and_replaced(bench, notice):
    cluster_id, ids = await waiting(bench, MASTER, CORE, SPOT)
    await bench.aws("AddJobFlowSteps", JobFlowId=cluster_id, Steps=[bench.step("hang")])
    await bench.until_steps(cluster_id, "RUNNING")
    (before,) = await bench.instances(cluster_id, InstanceGroupId=ids["TASK"])
    order = {"Key": "millpond:spot-interruption", "Value": f"{ids['TASK']}{notice}"}
    await bench.aws("AddTags", ResourceId=cluster_id, Tags=[order, {"Key": "team", "Value": "a"}])
    ended, fresh = await bench.until_instances(
        cluster_id, "RUNNING", "TERMINATED", InstanceGroupId=ids["TASK"]
    )
    assert ended["Ec2InstanceId"] == before["Ec2InstanceId"]
    reason = ended["Status"]["StateChangeReason"]
    seconds = 0 if notice else 120
    assert reason == {
        "Code": "INSTANCE_FAILURE",
        "Message": "The Spot instance was interrupted: EC2 took it back after a notice of "
        f"{seconds} seconds.",
    }
    assert fresh["Market"] == "SPOT" and fresh["Ec2InstanceId"] in bench.spark.nodes
    how = ("lost", before["Ec2InstanceId"])
    assert (how if notice else ("removing", before["Ec2InstanceId"], 120)) in bench.spark.events
    assert await bench.step_states(cluster_id) == ["RUNNING"]
    assert (await bench.cluster(cluster_id))["Tags"] == [{"Key": "team", "Value": "a"}]


async def test_only_spot_instances_are_interrupted(bench, refusal):
    cluster_id, ids = await waiting(bench, MASTER, CORE)
    for value in (ids["CORE"], cluster_id, "i-none", "", f"{cluster_id} notice=121"):
        order = {"Key": "millpond:spot-interruption", "Value": value}
        told = await refusal(bench.aws("AddTags", ResourceId=cluster_id, Tags=[order]))
        assert told.code == "InvalidRequestException"


async def test_a_cluster_ends_with_its_spot_master(bench):
    cluster_id, ids = await waiting(bench, MASTER | {"Market": "SPOT"}, CORE)
    order = {"Key": "millpond:spot-interruption", "Value": f"{ids['MASTER']} notice=0"}
    await bench.aws("AddTags", ResourceId=cluster_id, Tags=[order])
    await bench.until_cluster(cluster_id, "TERMINATED_WITH_ERRORS")
    reason = (await bench.cluster(cluster_id))["Status"]["StateChangeReason"]
    assert reason["Code"] == "INSTANCE_FAILURE"
    assert reason["Message"].startswith("The master node was terminated.")
