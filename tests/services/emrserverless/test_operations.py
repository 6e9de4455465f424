"""Operations answer as AWS's do: what may be asked for, what is refused by its name."""

from typing import Any

import pytest

from tests.services.emrserverless.conftest import ROLE, SAIL_LABEL, World

CREATE = {"releaseLabel": SAIL_LABEL, "type": "SPARK", "clientToken": "t-1"}
LARGE = {"cpu": "4vCPU", "memory": "16gb", "disk": "20GB"}


async def test_an_application_is_told_as_it_was_asked_for(world: World) -> None:
    app = await world.make(
        type="spark",
        initialCapacity={"Executor": {"workerCount": 2, "workerConfiguration": LARGE}},
        maximumCapacity={"cpu": "40", "memory": "200gb", "disk": "1000GB"},
        autoStopConfiguration={"enabled": True, "idleTimeoutMinutes": 3},
        networkConfiguration={"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
        architecture="ARM64",
        schedulerConfiguration={},
        tags={"team": "data"},
    )
    found = await world.application(app)
    assert len(app) == 16
    assert app.startswith("00")
    assert found["arn"] == f"arn:aws:emr-serverless:us-east-1:123456789012:/applications/{app}"
    assert (found["type"], found["architecture"], found["stateDetails"]) == ("Spark", "ARM64", "")
    assert found["initialCapacity"]["Executor"]["workerConfiguration"] == {
        "cpu": "4 vCPU",
        "memory": "16 GB",
        "disk": "20 GB",
    }
    assert found["maximumCapacity"] == {"cpu": "40 vCPU", "memory": "200 GB", "disk": "1000 GB"}
    assert found["autoStartConfiguration"] == {"enabled": True}
    assert found["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 3}
    assert found["networkConfiguration"]["subnetIds"] == ["subnet-1"]
    assert found["schedulerConfiguration"] == {"queueTimeoutMinutes": 360, "maxConcurrentRuns": 15}
    assert found["tags"] == {"team": "data"}


async def test_what_is_not_said_is_as_on_aws(world: World) -> None:
    found = await world.application(await world.make())
    assert found["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 15}
    assert found["architecture"] == "X86_64"
    assert "schedulerConfiguration" not in found
    assert "maximumCapacity" not in found


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"type": "FLINK"}, "Unsupported engine FLINK"),
        (
            {"releaseLabel": "emr-6.6.0"},
            "release label 'emr-6.6.0' or release label does not exist",
        ),
        ({"releaseLabel": "emr-8.0.0"}, "There is emr-spark-8.0.0 (Spark 4.0 on Sail 1.0)"),
        (
            {"initialCapacity": {"Worker": {"workerCount": 1}}},
            "Worker type Worker is not supported for applications of type Spark",
        ),
        (
            {
                "initialCapacity": {
                    "DRIVER": {
                        "workerCount": 1,
                        "workerConfiguration": {"cpu": "3 vCPU", "memory": "8 GB"},
                    }
                }
            },
            "A worker cannot have 3 vCPU; supported are 1, 2, 4, 8, 16.",
        ),
        (
            {
                "initialCapacity": {
                    "DRIVER": {
                        "workerCount": 1,
                        "workerConfiguration": {"cpu": "4 vCPU", "memory": "32 GB"},
                    }
                }
            },
            "supported are 8 GB to 30 GB in steps of 1 GB",
        ),
        (
            {
                "initialCapacity": {"EXECUTOR": {"workerCount": 2, "workerConfiguration": LARGE}},
                "maximumCapacity": {"cpu": "4 vCPU", "memory": "64 GB"},
            },
            "must not exceed its maximum capacity",
        ),
        ({"schedulerConfiguration": {"queueTimeoutMinutes": 1}}, "between 15 and 720"),
        ({"schedulerConfiguration": {"maxConcurrentRuns": 2000}}, "between 1 and 1000"),
        (
            {"workerTypeSpecifications": {"Driver": {}}},
            "workerTypeSpecifications is not implemented.",
        ),
        (
            {"interactiveConfiguration": {"livyEndpointEnabled": True}},
            "interactiveConfiguration.livyEndpointEnabled is not implemented.",
        ),
        (
            {"runtimeConfiguration": [{"classification": "presto-config"}]},
            "Classification 'presto-config' is not supported",
        ),
        (
            {
                "runtimeConfiguration": [
                    {"classification": "spark-defaults", "properties": {"spark.jars": "s3://a.jar"}}
                ]
            },
            "spark.jars is not supported: this release runs on Sail",
        ),
        (
            {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "logs"}}},
            "The logUri logs is not a location in Amazon S3.",
        ),
        ({"tags": {"aws:x": "y"}}, "begins with aws:"),
    ],
)
async def test_applications_are_refused_with_the_reason(
    world: World, more: dict[str, Any], message: str
) -> None:
    refusal = await world.refusal("CreateApplication", **(CREATE | more))
    assert refusal.code == "ValidationException"
    assert message in refusal.message


async def test_a_client_token_makes_one_application(world: World) -> None:
    first = await world.aws("CreateApplication", **CREATE, name="one")
    again = await world.aws("CreateApplication", **CREATE, name="one")
    assert first == again
    refusal = await world.refusal("CreateApplication", **CREATE, name="two")
    assert (refusal.code, refusal.status) == ("ConflictException", 409)
    assert len((await world.aws("ListApplications"))["applications"]) == 1


async def test_applications_are_listed_the_newest_first_in_pages(world: World) -> None:
    made = []
    for number in range(5):
        made.append(await world.make(name=f"app-{number}"))
        world.clock.advance(1)
    await world.aws("DeleteApplication", applicationId=made[0])
    found, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        page = await world.aws("ListApplications", maxResults=2, **more)
        found += [one["id"] for one in page["applications"]]
        token = page.get("nextToken")
        if token is None:
            break
    assert found == made[::-1]
    created = await world.aws("ListApplications", states=["CREATED"])
    assert [one["id"] for one in created["applications"]] == made[:0:-1]
    refusal = await world.refusal("ListApplications", states=["CREATED"], nextToken="abc")
    assert "Invalid nextToken" in refusal.message


async def test_an_application_is_changed_only_at_rest(world: World) -> None:
    app = await world.make(maximumCapacity={"cpu": "8 vCPU", "memory": "32 GB"})
    answer = await world.aws(
        "UpdateApplication",
        applicationId=app,
        clientToken="u",
        autoStopConfiguration={"enabled": False},
        maximumCapacity={"cpu": "16 vCPU", "memory": "64 GB"},
    )
    changed = answer["application"]
    assert changed["autoStopConfiguration"]["enabled"] is False
    assert changed["maximumCapacity"]["cpu"] == "16 vCPU"
    assert changed["name"] == "app"
    await world.aws("StartApplication", applicationId=app)
    await world.state(app, "STARTED")
    for operation, more in (("UpdateApplication", {"clientToken": "v"}), ("DeleteApplication", {})):
        refusal = await world.refusal(operation, applicationId=app, **more)
        assert refusal.message == (
            f"Application {app} must be in one of the following statuses [CREATED, STOPPED]. "
            "Current status: STARTED"
        )


async def test_a_deleted_application_does_nothing_more(world: World) -> None:
    app = await world.make()
    await world.aws("DeleteApplication", applicationId=app)
    assert (await world.application(app))["state"] == "TERMINATED"
    for operation in ("StartApplication", "StopApplication", "DeleteApplication"):
        refusal = await world.refusal(operation, applicationId=app)
        assert refusal.message == f"Application {app} is terminated."
    with pytest.raises(Exception, match=r"is terminated\. Cannot start job run\."):
        await world.submit(app)


async def test_an_application_with_runs_is_not_stopped(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(app, "hang")
    await world.running(app, run_id)
    refusal = await world.refusal("StopApplication", applicationId=app)
    assert "must be completed or cancelled" in refusal.message
    await world.aws("CancelJobRun", applicationId=app, jobRunId=run_id)
    await world.run_state(app, run_id, "CANCELLED")
    await world.aws("StopApplication", applicationId=app)
    assert (await world.state(app, "STOPPED"))["stateDetails"] == ""
    await world.aws("StopApplication", applicationId=app)
    assert (await world.application(app))["state"] == "STOPPED"


async def test_without_auto_start_an_application_must_be_started_first(world: World) -> None:
    app = await world.make(autoStartConfiguration={"enabled": False})
    with pytest.raises(Exception, match="autoStartConfiguration is disabled"):
        await world.submit(app)
    await world.aws("StartApplication", applicationId=app)
    await world.run_state(app, await world.submit(app), "SUCCESS")


async def test_what_is_not_there_is_not_found(world: World) -> None:
    app = await world.make()
    for operation, members in (
        ("GetApplication", {}),
        ("StartApplication", {}),
        ("ListJobRuns", {}),
        ("GetJobRun", {"jobRunId": "00a"}),
    ):
        refusal = await world.refusal(operation, applicationId="00b", **members)
        assert (refusal.code, refusal.status) == ("ResourceNotFoundException", 404)
        assert refusal.message == "Application 00b does not exist"
    refusal = await world.refusal("CancelJobRun", applicationId=app, jobRunId="00a")
    assert refusal.message == "JobRun 00a does not exist"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"jobDriver": {}}, "exactly one of sparkSubmit and hive"),
        ({"jobDriver": {"hive": {"query": "x"}}}, "not supported by applications of type Spark"),
        ({"executionTimeoutMinutes": 4}, "RunTimeout must be at least 5 minutes."),
        ({"executionTimeoutMinutes": 0}, "cannot be disabled for job runs in BATCH mode"),
        ({"executionTimeoutMinutes": 20_000}, "at most 10080 minutes"),
        (
            {"retryPolicy": {"maxFailedAttemptsPerHour": 1}},
            "only applicable for job runs in STREAM",
        ),
        ({"retryPolicy": {"maxAttempts": 11}}, "maxAttempts must be between 1 and 10."),
        (
            {
                "jobDriver": {
                    "sparkSubmit": {"entryPoint": "a", "sparkSubmitParameters": "--conf 'a"}
                }
            },
            "sparkSubmitParameters cannot be read",
        ),
        (
            {
                "jobDriver": {
                    "sparkSubmit": {
                        "entryPoint": "a",
                        "sparkSubmitParameters": "--executor-memory 64g",
                    }
                }
            },
            "is not supported for workers of 4 vCPU",
        ),
        (
            {"executionIamPolicy": {"policy": '{"Statement": [{"Effect": "Deny"}]}'}},
            "Deny, conditions and resources are not",
        ),
        (
            {"executionIamPolicy": {"policy": '{"Statement":' + "[" * 1900}},
            "The execution IAM policy is not a policy document.",
        ),
        (
            {"executionIamPolicy": {"policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}},
            "executionIamPolicy.policyArns is not implemented.",
        ),
        (
            {
                "configurationOverrides": {
                    "monitoringConfiguration": {
                        "cloudWatchLoggingConfiguration": {
                            "enabled": True,
                            "logTypes": {"HIVE_DRIVER": ["STDOUT"]},
                        }
                    }
                }
            },
            "Supported are SPARK_DRIVER: STDERR, STDOUT",
        ),
    ],
)
async def test_job_runs_are_refused_with_the_reason(
    world: World, more: dict[str, Any], message: str
) -> None:
    app = await world.make()
    request = {
        "applicationId": app,
        "executionRoleArn": ROLE,
        "clientToken": "t",
        "jobDriver": {"sparkSubmit": {"entryPoint": "good"}},
    } | more
    refusal = await world.refusal("StartJobRun", **request)
    assert refusal.code == "ValidationException"
    assert message in refusal.message
    assert (await world.application(app))["state"] == "CREATED"


async def test_a_client_token_starts_one_run(world: World) -> None:
    app = await world.make()
    first = await world.submit(app, clientToken="once")
    assert await world.submit(app, clientToken="once") == first
    with pytest.raises(Exception, match="used for a request with other parameters"):
        await world.submit(app, "other", clientToken="once")
    await world.run_state(app, first, "SUCCESS")
    assert await world.submit(app, clientToken="once") == first
    assert len(world.spark.runs) == 1


async def test_job_runs_are_listed_by_what_they_are(world: World) -> None:
    app = await world.make()
    made = []
    for number in range(3):
        made.append(await world.submit(app, "good" if number else "bad", name=f"run-{number}"))
        await world.run_state(app, made[-1], "SUCCESS", "FAILED")
        world.clock.advance(60)
    streaming = await world.submit(app, "good", mode="STREAMING")
    await world.run_state(app, streaming, "SUCCESS")

    async def listed(**filters: Any) -> list[str]:
        answer = await world.aws("ListJobRuns", applicationId=app, **filters)
        return [one["id"] for one in answer["jobRuns"]]

    assert await listed() == [streaming, *made[::-1]]
    assert await listed(states=["FAILED"]) == [made[0]]
    assert await listed(mode="STREAMING") == [streaming]
    created = (await world.job_run(app, made[1]))["createdAt"]
    assert await listed(createdAtAfter=created, createdAtBefore=created + 30) == [made[1]]
    first = await world.aws("ListJobRuns", applicationId=app, maxResults=3)
    rest = await listed(maxResults=3, nextToken=first["nextToken"])
    assert rest == [made[0]]
    summary = first["jobRuns"][1]
    assert (summary["name"], summary["type"], summary["mode"]) == ("run-2", "Spark", "BATCH")


async def test_tags_are_those_of_the_resource(world: World) -> None:
    app = await world.make(tags={"a": "1"})
    run_id = await world.submit(app, tags={"b": "2"})
    run = await world.run_state(app, run_id, "SUCCESS")
    for arn, had in (((await world.application(app))["arn"], {"a": "1"}), (run["arn"], {"b": "2"})):
        await world.aws("TagResource", resourceArn=arn, tags={"c": "3"})
        answer = await world.aws("ListTagsForResource", resourceArn=arn)
        assert answer["tags"] == had | {"c": "3"}
        await world.aws("UntagResource", resourceArn=arn, tagKeys=["c", "none"])
        assert (await world.aws("ListTagsForResource", resourceArn=arn))["tags"] == had
    assert (await world.job_run(app, run_id))["tags"] == {"b": "2"}
    missing = run["arn"].replace(run_id, "0" * 16)
    refusal = await world.refusal("ListTagsForResource", resourceArn=missing)
    assert refusal.code == "ResourceNotFoundException"
    many = {f"k{number}": "v" for number in range(60)}
    refusal = await world.refusal("TagResource", resourceArn=run["arn"], tags=many)
    assert refusal.message == "A resource can have at most 50 tags."


async def test_a_run_without_a_log_in_s3_has_no_dashboard_and_says_why(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(app)
    await world.run_state(app, run_id, "SUCCESS")
    refusal = await world.refusal("GetDashboardForJobRun", applicationId=app, jobRunId=run_id)
    assert refusal.code == "ResourceNotFoundException"
    assert "has no s3MonitoringConfiguration" in refusal.message
