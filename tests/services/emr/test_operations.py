"""What EMR's operations answer and refuse."""

import pytest

MASTER = {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
CORE = {"InstanceRole": "CORE", "InstanceType": "r5.2xlarge", "InstanceCount": 4}


def groups(*configs):
    return {"InstanceGroups": list(configs), "MasterInstanceType": None, "InstanceCount": None}


async def test_releases_tell_what_is_installed(bench):
    assert await bench.aws("ListReleaseLabels") == {
        "ReleaseLabels": ["emr-spark-8.0.0", "emr-8.0.0"]
    }
    for filters, found in (
        ({"Prefix": "emr-spark"}, 1),
        ({"Prefix": "emr-7"}, 0),
        ({"Application": "spark"}, 2),
        ({"Application": "Spark@4.2"}, 2),
        ({"Application": "hadoop@3.4"}, 1),
        ({"Application": "spark@3.5.0"}, 0),
        ({"Application": "pig"}, 0),
    ):
        answer = await bench.aws("ListReleaseLabels", Filters=filters)
        assert len(answer["ReleaseLabels"]) == found, filters
    answer = await bench.aws("DescribeReleaseLabel", ReleaseLabel="emr-spark-8.0.0")
    assert answer["Applications"] == [
        {"Name": "Spark", "Version": "4.2.0"},
        {"Name": "Sail", "Version": "0.7.2"},
    ]


async def test_without_an_engine_there_is_no_release(bench, refusal):
    bench.spark.what = bench.apache.what = None
    assert (await bench.aws("ListReleaseLabels"))["ReleaseLabels"] == []
    told = await refusal(bench.run())
    assert told.code == "ValidationException"
    assert "pip install 'millpond[spark]'" in told.message


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"ReleaseLabel": "emr-7.9.0"}, "emr-7.9.0. There is emr-spark-8.0.0 with Spark 4.2.0"),
        ({"ReleaseLabel": "emr-6.1.0", "AmiVersion": "3.8.0"}, "Only one AMI version and release"),
        ({"ReleaseLabel": None, "AmiVersion": "3.8.0"}, "AmiVersion 3.8.0 is not supported"),
        ({"Applications": [{"Name": "Hive"}]}, "Application Hive is not available in release"),
        ({"Applications": [{"Name": "Spark", "Version": "3.5"}]}, "has version 4.2.0, not 3.5"),
        ({"JobFlowRole": None}, "InstanceProfile is required for creating cluster."),
        ({"ServiceRole": None}, "ServiceRole is required for creating cluster."),
        ({"Name": "a|b"}, "cannot contain the characters"),
        ({"LogUri": "/tmp/logs"}, "is not a location in Amazon S3"),
        ({"StepConcurrencyLevel": 257}, "must be between 1 and 256"),
        ({"AutoTerminationPolicy": {"IdleTimeout": 59}}, "between 60 and 604800 seconds"),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "is reserved"),
        ({"SecurityConfiguration": "sc"}, "Security configuration sc does not exist."),
        ({"CustomAmiId": "ami-1"}, "CustomAmiId is not supported"),
        ({"StepExecutionRoleArn": "arn:aws:iam::0:role/r"}, "Runtime roles are not supported"),
        ({"Instances": groups(CORE)}, "Exactly one master instance group"),
        ({"Instances": groups(MASTER, CORE, CORE)}, "Only one core instance group"),
        ({"Instances": {"MasterInstanceType": None}}, "one and only one of the following"),
        ({"Instances": {"InstanceGroups": [MASTER]}}, "one and only one of the following"),
        ({"Instances": groups(MASTER | {"InstanceType": "large"})}, "'large' is not supported"),
        (
            {"Configurations": [{"Classification": "yarn-site", "Properties": {"a": "b"}}]},
            "Classification 'yarn-site' is not supported",
        ),
        (
            {"Configurations": [{"Classification": "spark-defaults", "Properties": {"a": "b"}}]},
            "'a' is not a property of Spark",
        ),
        (
            {"Configurations": [{"Classification": "hive-site", "Properties": {"a": "b"}}]},
            "The metastore is the Glue Data Catalog",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_started_is_refused_by_name(bench, refusal, members, message):
    told = await refusal(bench.run("true", **members))
    assert told.code == "ValidationException"
    assert message in told.message
    assert (await bench.aws("ListClusters"))["Clusters"] == []


async def test_the_glue_catalog_may_be_named_as_the_metastore(bench):
    factory = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
    properties = {"hive.metastore.client.factory.class": factory}
    for name in ("spark-hive-site", "hive-site"):
        configuration = {"Classification": name, "Properties": properties}
        cluster_id = await bench.run("true", Configurations=[configuration])
        assert (await bench.cluster(cluster_id))["Configurations"] == [configuration]
        await bench.until_cluster(cluster_id, "TERMINATED")


async def test_a_cluster_is_described_as_it_was_asked_for(bench):
    cluster_id = await bench.run(
        keep_alive=True,
        Tags=[{"Key": "team", "Value": "retail"}],
        StepConcurrencyLevel=2,
        LogUri="s3://logs",
        Applications=[{"Name": "spark"}],
    )
    await bench.until_cluster(cluster_id, "WAITING")
    cluster = await bench.cluster(cluster_id)
    assert cluster_id.startswith("j-") and len(cluster_id) == 15
    arn = f"arn:aws:elasticmapreduce:us-east-1:000000000000:cluster/{cluster_id}"
    assert cluster["ClusterArn"] == arn
    assert cluster["LogUri"] == "s3n://logs/"
    assert cluster["Applications"] == [{"Name": "Spark", "Version": "4.2.0"}]
    assert cluster["Tags"] == [{"Key": "team", "Value": "retail"}]
    assert cluster["AutoTerminate"] is False
    assert cluster["TerminationProtected"] is False
    assert cluster["VisibleToAllUsers"] is True
    assert cluster["StepConcurrencyLevel"] == 2
    assert cluster["InstanceCollectionType"] == "INSTANCE_GROUP"
    assert cluster["Ec2InstanceAttributes"]["IamInstanceProfile"] == "EMR_EC2_DefaultRole"
    assert cluster["MasterPublicDnsName"] == "localhost"


async def test_groups_have_the_instances_that_were_asked_for(bench):
    ebs = {"EbsBlockDeviceConfigs": [
        {"VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": 64}, "VolumesPerInstance": 2}
    ]}  # fmt: skip
    cluster_id = await bench.run(
        keep_alive=True, Instances=groups(MASTER, CORE | {"EbsConfiguration": ebs})
    )
    await bench.until_cluster(cluster_id, "WAITING")
    listed = await bench.aws("ListInstanceGroups", ClusterId=cluster_id)
    master, core = listed["InstanceGroups"]
    assert (core["RequestedInstanceCount"], core["RunningInstanceCount"]) == (4, 4)
    assert [d["Device"] for d in core["EbsBlockDevices"]] == ["/dev/sdb", "/dev/sdc"]
    assert master["Status"]["State"] == "RUNNING"
    instances = await bench.instances(cluster_id, InstanceGroupTypes=["CORE"])
    assert len({one["Ec2InstanceId"] for one in instances}) == 4
    instance = instances[0]
    assert instance["InstanceGroupId"] == core["Id"]
    assert instance["InstanceType"] == "r5.2xlarge"
    assert instance["PrivateIpAddress"] == "127.0.0.1"
    none = await bench.aws("ListInstances", ClusterId=cluster_id, InstanceStates=["TERMINATED"])
    assert none["Instances"] == []
    bench.clock.advance(3601)
    assert (await bench.cluster(cluster_id))["NormalizedInstanceHours"] == 2 * (8 + 4 * 16)


async def test_fleets_have_as_many_instances_as_reach_their_targets(bench, refusal):
    fleets = [
        {
            "Name": "m",
            "InstanceFleetType": "MASTER",
            "TargetOnDemandCapacity": 1,
            "InstanceTypeConfigs": [{"InstanceType": "m5.xlarge"}, {"InstanceType": "m4.xlarge"}],
        },
        {
            "InstanceFleetType": "CORE",
            "TargetSpotCapacity": 3,
            "InstanceTypeConfigs": [{"InstanceType": "c5.large", "WeightedCapacity": 2}],
        },
    ]
    instances = {"InstanceFleets": fleets, "MasterInstanceType": None, "InstanceCount": None}
    cluster_id = await bench.run(keep_alive=True, Instances=instances)
    await bench.until_cluster(cluster_id, "WAITING")
    master, core = (await bench.aws("ListInstanceFleets", ClusterId=cluster_id))["InstanceFleets"]
    assert (master["Name"], master["ProvisionedOnDemandCapacity"]) == ("m", 1)
    assert (core["TargetSpotCapacity"], core["ProvisionedSpotCapacity"]) == (3, 4)
    assert core["InstanceTypeSpecifications"][0]["WeightedCapacity"] == 2
    assert (await bench.cluster(cluster_id))["InstanceCollectionType"] == "INSTANCE_FLEET"
    listed = await bench.aws("ListInstances", ClusterId=cluster_id, InstanceFleetType="CORE")
    assert [one["Market"] for one in listed["Instances"]] == ["SPOT", "SPOT"]
    told = await refusal(bench.aws("ListInstanceGroups", ClusterId=cluster_id))
    assert told.message == "Instance fleets and instance groups are mutually exclusive."


async def test_clusters_are_listed_newest_first_in_pages(bench, refusal):
    bench.spark.failing_starts = ["no"] * 60
    ids = []
    for number in range(55):
        ids.append(await bench.run(Name=f"c{number}"))
        bench.clock.advance(1)
    first = await bench.aws("ListClusters")
    assert [c["Id"] for c in first["Clusters"]] == ids[:4:-1]
    second = await bench.aws("ListClusters", Marker=first["Marker"])
    assert [c["Id"] for c in second["Clusters"]] == ids[4::-1]
    assert "Marker" not in second
    times = {c["Name"]: c["Status"]["Timeline"]["CreationDateTime"] for c in first["Clusters"]}
    within = await bench.aws("ListClusters", CreatedAfter=times["c50"], CreatedBefore=times["c52"])
    assert [c["Name"] for c in within["Clusters"]] == ["c52", "c51", "c50"]
    none = await bench.aws("ListClusters", ClusterStates=["WAITING"])
    assert none["Clusters"] == []
    told = await refusal(bench.aws("ListClusters", Marker="made-up"))
    assert (told.code, told.message) == (
        "InvalidRequestException",
        "Marker 'made-up' is not valid.",
    )


async def test_steps_are_listed_last_first_in_pages(bench, refusal):
    cluster_id = await bench.run("hang", *[f"true {n}" for n in range(54)])
    await bench.until(lambda: _first_state(bench, cluster_id), "RUNNING")
    first = await bench.aws("ListSteps", ClusterId=cluster_id)
    second = await bench.aws("ListSteps", ClusterId=cluster_id, Marker=first["Marker"])
    names = [step["Name"] for page in (first, second) for step in page["Steps"]]
    assert names == [f"true {n}" for n in range(53, -1, -1)] + ["hang"]
    running = await bench.aws("ListSteps", ClusterId=cluster_id, StepStates=["RUNNING"])
    assert [step["Name"] for step in running["Steps"]] == ["hang"]
    ids = [step["Id"] for step in second["Steps"]]
    some = await bench.aws("ListSteps", ClusterId=cluster_id, StepIds=ids[:2])
    assert [step["Id"] for step in some["Steps"]] == ids[:2]
    told = await refusal(bench.aws("ListSteps", ClusterId=cluster_id, StepIds=["s"] * 11))
    assert told.message == "At most 10 step ids can be specified."
    described = await bench.aws("DescribeStep", ClusterId=cluster_id, StepId=ids[0])
    assert described["Step"]["Config"] == {
        "Jar": "command-runner.jar", "Args": ["true", "3"], "Properties": {}
    }  # fmt: skip


async def _first_state(bench, cluster_id):
    pages = await bench.aws("ListSteps", ClusterId=cluster_id, StepStates=["RUNNING"])
    return pages["Steps"][0]["Status"]["State"] if pages["Steps"] else ""


async def test_what_does_not_exist_is_not_valid(bench, refusal):
    for operation, more in (
        ("DescribeCluster", {}),
        ("ListSteps", {}),
        ("DescribeStep", {"StepId": "s-1"}),
        ("CancelSteps", {"StepIds": ["s-1"]}),
        ("ListInstances", {}),
        ("ListInstanceGroups", {}),
        ("ListBootstrapActions", {}),
        ("ModifyCluster", {"StepConcurrencyLevel": 2}),
        ("GetAutoTerminationPolicy", {}),
    ):
        told = await refusal(bench.aws(operation, ClusterId="j-NONE", **more))
        assert (told.code, told.message) == (
            "InvalidRequestException",
            "Cluster id 'j-NONE' is not valid.",
        )
    told = await refusal(bench.aws("TerminateJobFlows", JobFlowIds=["j-NONE"]))
    assert (told.code, told.message) == (
        "ValidationException",
        "Specified job flow ID does not exist.",
    )
    step = bench.step("true")
    told = await refusal(bench.aws("AddJobFlowSteps", JobFlowId="j-NONE", Steps=[step]))
    assert told.message == "Specified job flow ID not valid"
    cluster_id = await bench.run(keep_alive=True)
    told = await refusal(bench.aws("DescribeStep", ClusterId=cluster_id, StepId="s-NONE"))
    assert told.message == "Step id 's-NONE' is not valid."
    told = await refusal(bench.aws("AddTags", ResourceId="j-NONE", Tags=[]))
    assert told.code == "InvalidRequestException"


async def test_a_protected_cluster_is_not_ended(bench, refusal):
    free = await bench.run(keep_alive=True)
    cluster_id = await bench.run(keep_alive=True, Instances={"TerminationProtected": True})
    told = await refusal(bench.aws("TerminateJobFlows", JobFlowIds=[free, cluster_id]))
    assert told.code == "ValidationException"
    assert "termination protected" in told.message
    assert await bench.state(free) != "TERMINATING"
    await bench.aws("SetTerminationProtection", JobFlowIds=[cluster_id], TerminationProtected=False)
    await bench.aws("TerminateJobFlows", JobFlowIds=[free, cluster_id])
    for one in (free, cluster_id):
        await bench.until_cluster(one, "TERMINATED")
    await bench.aws("TerminateJobFlows", JobFlowIds=[cluster_id])


async def test_settings_change_and_end_with_the_cluster(bench, refusal):
    cluster_id = await bench.run(keep_alive=True)
    await bench.until_cluster(cluster_id, "WAITING")
    assert await bench.aws("GetAutoTerminationPolicy", ClusterId=cluster_id) == {}
    await bench.aws("PutAutoTerminationPolicy", ClusterId=cluster_id)
    assert await bench.aws("GetAutoTerminationPolicy", ClusterId=cluster_id) == {
        "AutoTerminationPolicy": {"IdleTimeout": 3600}
    }
    await bench.aws("RemoveAutoTerminationPolicy", ClusterId=cluster_id)
    assert await bench.aws("GetAutoTerminationPolicy", ClusterId=cluster_id) == {}
    await bench.aws("SetVisibleToAllUsers", JobFlowIds=[cluster_id], VisibleToAllUsers=False)
    assert (await bench.cluster(cluster_id))["VisibleToAllUsers"] is False
    await bench.aws("AddTags", ResourceId=cluster_id, Tags=[{"Key": "a"}, {"Key": "b"}])
    await bench.aws("RemoveTags", ResourceId=cluster_id, TagKeys=["a", "none"])
    assert (await bench.cluster(cluster_id))["Tags"] == [{"Key": "b", "Value": ""}]
    await bench.aws(
        "SetKeepJobFlowAliveWhenNoSteps",
        JobFlowIds=[cluster_id],
        KeepJobFlowAliveWhenNoSteps=False,
    )
    await bench.until_cluster(cluster_id, "TERMINATED")
    step = bench.step("true")
    for operation, members in (
        ("AddJobFlowSteps", {"JobFlowId": cluster_id, "Steps": [step]}),
        ("SetTerminationProtection", {"JobFlowIds": [cluster_id], "TerminationProtected": True}),
    ):
        told = await refusal(bench.aws(operation, **members))
        assert told.message == (
            "A job flow that is shutting down, terminated, or finished may not be modified."
        )
    told = await refusal(bench.aws("ModifyCluster", ClusterId=cluster_id, StepConcurrencyLevel=2))
    assert told.message == f"Cluster '{cluster_id}' is TERMINATED."


async def test_steps_that_cannot_be_added_are_refused(bench, refusal):
    cluster_id = await bench.run("hang", keep_alive=True, StepConcurrencyLevel=2)

    async def add(*steps, **more):
        return await bench.aws("AddJobFlowSteps", JobFlowId=cluster_id, Steps=list(steps), **more)

    told = await refusal(add(bench.step(("true", "CANCEL_AND_WAIT"))))
    assert "ActionOnFailure CANCEL_AND_WAIT is not valid" in told.message
    words = ["x" * 10_000, "y" * 300]
    long = {"Name": "n", "ActionOnFailure": "CONTINUE",
            "HadoopJarStep": {"Jar": "command-runner.jar", "Args": words}}  # fmt: skip
    told = await refusal(add(long))
    assert "longer than 10240 characters" in told.message
    told = await refusal(add(*[bench.step("hang")] * 256))
    assert told.message.endswith("exceeded. The limit is 256.")
    told = await refusal(add(bench.step("true"), ExecutionRoleArn="arn:aws:iam::0:role/runtime"))
    assert told.message.startswith("Runtime roles are not supported")
    assert len((await add(*[bench.step("hang")] * 255))["StepIds"]) == 255
