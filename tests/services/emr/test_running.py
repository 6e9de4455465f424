"""Clusters run: their steps in order, their ends with reasons, and nothing left behind."""

import gzip


def texts(bench):
    return {key: gzip.decompress(body).decode() for key, body in bench.objects.items()}


async def test_a_cluster_runs_its_steps_and_ends(bench):
    cluster_id = await bench.run("true one", "true two")
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert await bench.step_states(cluster_id) == ["COMPLETED", "COMPLETED"]
    assert bench.spark.ran == [("true", "one"), ("true", "two")]
    cluster = await bench.cluster(cluster_id)
    reason = {"Code": "ALL_STEPS_COMPLETED", "Message": "Steps completed"}
    assert cluster["Status"]["StateChangeReason"] == reason
    timeline = cluster["Status"]["Timeline"]
    assert timeline["CreationDateTime"] <= timeline["ReadyDateTime"] <= timeline["EndDateTime"]
    assert not bench.issuer.valid
    assert not (bench.folder / cluster_id).exists()


async def test_logs_are_kept_as_emr_keeps_them(bench):
    cluster_id = await bench.run("true one", "false two")
    await bench.until_cluster(cluster_id, "TERMINATED")
    good, bad = await bench.steps(cluster_id)
    found, base = texts(bench), f"s3://logs/here/{cluster_id}/steps"
    assert found[f"{base}/{good['Id']}/stdout.gz"] == "out of true one\n"
    assert found[f"{base}/{good['Id']}/stderr.gz"] == ""
    assert "startExec 'true one'" in found[f"{base}/{good['Id']}/controller.gz"]
    assert "Step succeeded with exit code 0" in found[f"{base}/{good['Id']}/controller.gz"]
    assert "Step failed with exit code 1" in found[f"{base}/{bad['Id']}/controller.gz"]
    assert bad["Status"]["FailureDetails"] == {
        "Reason": "Unknown Error.",
        "Message": "ValueError: broken",
        "LogFile": f"{base}/{bad['Id']}/stderr.gz",
    }
    message = (await bench.cluster(cluster_id))["Status"]["StateChangeReason"]["Message"]
    assert message == "Steps completed with errors"


async def test_logs_are_there_while_a_step_runs(bench):
    cluster_id = await bench.run("hang on")
    await bench.until_steps(cluster_id, "RUNNING")
    bench.clock.advance(3)

    async def has_output():
        return any("out of hang on" in text for text in texts(bench).values())

    await bench.until(has_output, True)


async def test_a_step_has_its_own_place_for_logs_if_it_says_so(bench):
    place = {"S3MonitoringConfiguration": {"LogUri": "s3://elsewhere/x"}}
    step = bench.step("true") | {"StepMonitoringConfiguration": place}
    cluster_id = await bench.run(step)
    await bench.until_cluster(cluster_id, "TERMINATED")
    (found,) = await bench.steps(cluster_id)
    assert f"s3://elsewhere/x/{cluster_id}/steps/{found['Id']}/stdout.gz" in bench.objects


async def test_a_missing_log_bucket_fails_no_step(bench):
    bench.missing_bucket = True
    cluster_id = await bench.run("true")
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert await bench.step_states(cluster_id) == ["COMPLETED"]


async def test_a_failed_step_ends_its_cluster_with_errors(bench):
    cluster_id = await bench.run(("false", "TERMINATE_CLUSTER"), "true", keep_alive=True)
    await bench.until_cluster(cluster_id, "TERMINATED_WITH_ERRORS")
    assert await bench.step_states(cluster_id) == ["FAILED", "CANCELLED"]
    reason = (await bench.cluster(cluster_id))["Status"]["StateChangeReason"]
    assert reason == {"Code": "STEP_FAILURE", "Message": "Shut down as step failed"}


async def test_steps_are_added_to_a_cluster_that_waits(bench):
    cluster_id = await bench.run(keep_alive=True)
    await bench.until_cluster(cluster_id, "WAITING")
    added = await bench.aws(
        "AddJobFlowSteps", JobFlowId=cluster_id, Steps=[bench.step("true"), bench.step("false")]
    )
    await bench.until_steps(cluster_id, "COMPLETED", "FAILED")
    assert [step["Id"] for step in await bench.steps(cluster_id)] == added["StepIds"]
    await bench.until_cluster(cluster_id, "WAITING")
    await bench.aws("TerminateJobFlows", JobFlowIds=[cluster_id])
    await bench.until_cluster(cluster_id, "TERMINATED")
    reason = (await bench.cluster(cluster_id))["Status"]["StateChangeReason"]
    assert reason == {"Code": "USER_REQUEST", "Message": "Terminated by user request"}


async def test_as_many_steps_run_at_once_as_the_cluster_allows(bench):
    cluster_id = await bench.run("hang 1", "hang 2", "hang 3", StepConcurrencyLevel=2)
    await bench.until_steps(cluster_id, "RUNNING", "RUNNING", "PENDING")
    answer = await bench.aws("ModifyCluster", ClusterId=cluster_id, StepConcurrencyLevel=3)
    assert answer == {"StepConcurrencyLevel": 3}
    await bench.until_steps(cluster_id, "RUNNING", "RUNNING", "RUNNING")
    await bench.aws("TerminateJobFlows", JobFlowIds=[cluster_id])
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert await bench.step_states(cluster_id) == ["CANCELLED"] * 3
    assert not bench.spark.alive


async def test_steps_are_cancelled_waiting_and_running(bench):
    cluster_id = await bench.run("hang", "true", "true", keep_alive=True)
    await bench.until_steps(cluster_id, "RUNNING", "PENDING", "PENDING")
    first, second, _ = [step["Id"] for step in await bench.steps(cluster_id)]
    answer = await bench.aws("CancelSteps", ClusterId=cluster_id, StepIds=[first, second])
    assert answer["CancelStepsInfoList"] == [
        {"StepId": first, "Status": "SUBMITTED"},
        {"StepId": second, "Status": "SUBMITTED"},
    ]
    await bench.until_steps(cluster_id, "CANCELLED", "CANCELLED", "COMPLETED")
    answer = await bench.aws("CancelSteps", ClusterId=cluster_id, StepIds=[first])
    assert answer["CancelStepsInfoList"][0]["Status"] == "FAILED"


async def test_a_process_that_does_not_listen_is_terminated_when_that_is_asked(bench):
    cluster_id = await bench.run("stubborn", keep_alive=True)
    await bench.until_steps(cluster_id, "RUNNING")
    (step,) = await bench.steps(cluster_id)
    await bench.aws(
        "CancelSteps",
        ClusterId=cluster_id,
        StepIds=[step["Id"]],
        StepCancellationOption="TERMINATE_PROCESS",
    )
    await bench.until_steps(cluster_id, "CANCELLED")


async def test_jars_and_what_is_not_installed_fail_with_a_reason(bench):
    jar = {"Jar": "s3://b/wordcount.jar", "MainClass": "org.example.Main"}
    cluster_id = await bench.run(
        {"Name": "jar", "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar},
        "s3-dist-cp --src s3://a --dest s3://b",
        "missing",
    )
    await bench.until_cluster(cluster_id, "TERMINATED")
    steps = await bench.steps(cluster_id)
    details = [step["Status"]["FailureDetails"] for step in steps]
    assert details[0]["Reason"].startswith("s3://b/wordcount.jar cannot run: JARs need a JVM")
    assert "use aws s3 cp --recursive" in details[1]["Reason"]
    assert details[2]["Message"] == "There is no program missing."
    key = f"s3://logs/here/{cluster_id}/steps/{steps[0]['Id']}/stderr.gz"
    assert "JARs need a JVM" in texts(bench)[key]


async def test_script_runner_runs_a_script_of_s3(bench):
    jar = "s3://us-east-1.elasticmapreduce/libs/script-runner/script-runner.jar"
    step = {"Jar": jar, "Args": ["s3://b/setup.sh", "x y"]}
    cluster_id = await bench.run({"Name": "script", "HadoopJarStep": step})
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert bench.spark.ran == [("run-script", "s3://b/setup.sh", "x y")]


async def test_spark_is_there_only_if_it_was_asked_for(bench):
    cluster_id = await bench.run("spark-submit s3://b/job.py", "true", Applications=[])
    await bench.until_cluster(cluster_id, "TERMINATED")
    failed, _ = await bench.steps(cluster_id)
    reason = failed["Status"]["FailureDetails"]["Reason"]
    assert "without the application Spark" in reason
    assert not bench.spark.orders[0].with_engine


async def test_bootstrap_actions_run_before_the_first_step(bench):
    actions = [
        {"Name": n, "ScriptBootstrapAction": {"Path": f"s3://b/{n}.sh", "Args": [n]}}
        for n in ("one", "two")
    ]
    cluster_id = await bench.run("true", BootstrapActions=actions)
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert bench.spark.ran == [
        ("run-script", "s3://b/one.sh", "one"),
        ("run-script", "s3://b/two.sh", "two"),
        ("true",),
    ]
    listed = await bench.aws("ListBootstrapActions", ClusterId=cluster_id)
    assert listed["BootstrapActions"][0] == {
        "Name": "one", "ScriptPath": "s3://b/one.sh", "Args": ["one"]
    }  # fmt: skip
    (instance,) = (await bench.aws("ListInstances", ClusterId=cluster_id))["Instances"]
    node = f"s3://logs/here/{cluster_id}/node/{instance['Ec2InstanceId']}/bootstrap-actions"
    assert f"{node}/2/controller.gz" in bench.objects


async def test_a_failed_bootstrap_action_ends_the_cluster(bench):
    action = {"Name": "b", "ScriptBootstrapAction": {"Path": "s3://b/b.sh", "Args": ["fail"]}}
    cluster_id = await bench.run("true", BootstrapActions=[action], keep_alive=True)
    await bench.until_cluster(cluster_id, "TERMINATED_WITH_ERRORS")
    assert await bench.step_states(cluster_id) == ["CANCELLED"]
    cluster = await bench.cluster(cluster_id)
    (instance,) = (await bench.aws("ListInstances", ClusterId=cluster_id))["Instances"]
    assert cluster["Status"]["StateChangeReason"] == {
        "Code": "BOOTSTRAP_FAILURE",
        "Message": f"On the master instance ({instance['Ec2InstanceId']}), bootstrap action 1 "
        "returned a non-zero return code",
    }


async def test_a_bootstrap_action_may_take_an_hour(bench):
    action = {"Name": "b", "ScriptBootstrapAction": {"Path": "s3://b/b.sh", "Args": ["hang"]}}
    cluster_id = await bench.run("true", BootstrapActions=[action])
    await bench.until_cluster(cluster_id, "BOOTSTRAPPING")
    await bench.until_ran(1)
    bench.clock.advance(3601)
    await bench.until_cluster(cluster_id, "TERMINATED_WITH_ERRORS")
    reason = (await bench.cluster(cluster_id))["Status"]["StateChangeReason"]
    assert reason["Message"].endswith("bootstrap action 1 timed out executing")


async def test_a_cluster_can_be_ended_while_it_bootstraps(bench):
    action = {"Name": "b", "ScriptBootstrapAction": {"Path": "s3://b/b.sh", "Args": ["hang"]}}
    cluster_id = await bench.run("true", BootstrapActions=[action])
    await bench.until_cluster(cluster_id, "BOOTSTRAPPING")
    await bench.aws("TerminateJobFlows", JobFlowIds=[cluster_id])
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert not bench.spark.alive


async def test_an_engine_that_does_not_start_ends_the_cluster_with_its_reason(bench):
    bench.spark.failing_starts = ["The Spark engine did not come up: no memory"]
    cluster_id = await bench.run("true")
    await bench.until_cluster(cluster_id, "TERMINATED_WITH_ERRORS")
    reason = (await bench.cluster(cluster_id))["Status"]["StateChangeReason"]
    assert reason["Code"] == "INTERNAL_ERROR"
    assert reason["Message"].endswith("no memory")
    assert not bench.issuer.valid


async def test_configurations_reach_the_engine_and_every_step(bench):
    configurations = [
        {"Classification": "spark-defaults", "Properties": {"spark.sql.shuffle.partitions": "7"}},
        {
            "Classification": "spark-env",
            "Configurations": [{"Classification": "export", "Properties": {"STAGE": "test"}}],
        },
    ]
    cluster_id = await bench.run("true", Configurations=configurations)
    await bench.until_cluster(cluster_id, "TERMINATED")
    (order,) = bench.spark.orders
    assert order.properties == {"spark.sql.shuffle.partitions": "7"}
    assert order.environment == {"STAGE": "test"}
    assert order.access.endpoint == "http://127.0.0.1:4566"
    assert order.access.access_key_id == "ASIA0000000000000000"
    (role, _, actions) = bench.issuer.issued[0]
    assert role == "EMR_EC2_DefaultRole"
    assert "s3:*" in actions and "elasticmapreduce:RunJobFlow" not in actions


async def test_an_idle_cluster_ends_by_its_policy(bench):
    cluster_id = await bench.run("true", keep_alive=True, AutoTerminationPolicy={"IdleTimeout": 60})
    await bench.until_cluster(cluster_id, "WAITING")
    began_ms = bench.clock.now_ms()
    bench.clock.advance(59)
    await bench.aws(
        "PutAutoTerminationPolicy", ClusterId=cluster_id, AutoTerminationPolicy={"IdleTimeout": 90}
    )
    bench.clock.advance(89)
    assert await bench.state(cluster_id) == "WAITING"
    bench.clock.advance(2)
    await bench.until_cluster(cluster_id, "TERMINATED")
    status = (await bench.cluster(cluster_id))["Status"]
    assert "policy after 90 seconds idle" in status["StateChangeReason"]["Message"]
    assert status["Timeline"]["EndDateTime"] == began_ms / 1000 + 150


async def test_credentials_are_renewed_between_steps(bench):
    cluster_id = await bench.run("hang", keep_alive=True)
    await bench.until_steps(cluster_id, "RUNNING")
    bench.clock.advance(25 * 3600)
    await bench.aws("AddJobFlowSteps", JobFlowId=cluster_id, Steps=[bench.step("true")])
    (first, _) = await bench.steps(cluster_id)
    await bench.aws("CancelSteps", ClusterId=cluster_id, StepIds=[first["Id"]])
    await bench.until_steps(cluster_id, "CANCELLED", "COMPLETED")
    assert bench.issuer.valid == {"ASIA0000000000000001"}
    assert len(bench.spark.orders) == 2


async def test_a_restart_fails_the_running_step_and_goes_on(bench):
    cluster_id = await bench.run("hang", "true")
    await bench.until_steps(cluster_id, "RUNNING", "PENDING")
    await bench.stop()
    assert await bench.step_states(cluster_id) == ["RUNNING", "PENDING"]
    assert (bench.folder / cluster_id).exists()
    await bench.start()
    await bench.until_cluster(cluster_id, "TERMINATED")
    failed, done = await bench.steps(cluster_id)
    assert (failed["Status"]["State"], done["Status"]["State"]) == ("FAILED", "COMPLETED")
    reason = failed["Status"]["FailureDetails"]["Reason"]
    assert reason == "The platform was restarted while the step ran."
    assert f"s3://logs/here/{cluster_id}/steps/{failed['Id']}/stdout.gz" in bench.objects
    assert not bench.issuer.valid


async def test_a_restart_obeys_the_action_on_failure(bench):
    cluster_id = await bench.run(("hang", "TERMINATE_CLUSTER"), "true", keep_alive=True)
    await bench.until_steps(cluster_id, "RUNNING", "PENDING")
    await bench.restart()
    await bench.until_cluster(cluster_id, "TERMINATED_WITH_ERRORS")
    assert await bench.step_states(cluster_id) == ["FAILED", "CANCELLED"]


async def test_a_restart_finds_a_waiting_cluster_waiting(bench):
    cluster_id = await bench.run(keep_alive=True)
    await bench.until_cluster(cluster_id, "WAITING")
    await bench.restart()
    await bench.aws("AddJobFlowSteps", JobFlowId=cluster_id, Steps=[bench.step("true")])
    await bench.until_steps(cluster_id, "COMPLETED")
    assert len(bench.issuer.valid) == 1
    await bench.stop()
    await bench.aws("TerminateJobFlows", JobFlowIds=[cluster_id])
    assert await bench.state(cluster_id) == "TERMINATING"
    await bench.start()
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert not bench.issuer.valid
    assert not (bench.folder / cluster_id).exists()


async def test_a_restart_runs_the_interrupted_bootstrap_action_again(bench):
    actions = [
        {"Name": n, "ScriptBootstrapAction": {"Path": f"s3://b/{n}", "Args": [n]}}
        for n in ("done", "hang")
    ]
    cluster_id = await bench.run("true", BootstrapActions=actions)
    await bench.until_ran(2)
    await bench.restart()
    await bench.until_ran(3)
    assert [words[2] for words in bench.spark.ran] == ["done", "hang", "hang"]
    assert await bench.state(cluster_id) == "BOOTSTRAPPING"


async def test_what_steps_say_becomes_log_events(bench):
    to_logs = {
        "Enabled": True,
        "LogStreamNamePrefix": "nightly",
        "LogTypes": {"STEP_LOGS": ["STDOUT"]},
    }
    cluster_id = await bench.run(
        "true one", "false two", MonitoringConfiguration={"CloudWatchLogConfiguration": to_logs}
    )
    await bench.until_cluster(cluster_id, "TERMINATED")
    one, two = [step["Id"] for step in await bench.steps(cluster_id)]
    group = f"/aws/emr/{cluster_id}"
    assert bench.events == {
        (group, f"nightly/steps/{one}/stdout"): ["out of true one"],
        (group, f"nightly/steps/{two}/stdout"): ["out of false two"],
    }


async def test_log_events_that_cannot_be_are_refused(bench, refusal):
    for more, message in (
        ({"LogTypes": {"SPARK_EXECUTOR": ["STDOUT"]}}, "log type SPARK_EXECUTOR is not supported"),
        ({"LogTypes": {"STEP_LOGS": ["SYSLOG"]}}, "SYSLOG is not a log"),
        ({"EncryptionKeyArn": "arn:aws:kms:us-east-1:0:key/k"}, "EncryptionKeyArn is not"),
    ):
        to_logs = {"CloudWatchLogConfiguration": {"Enabled": True} | more}
        told = await refusal(bench.run("true", MonitoringConfiguration=to_logs))
        assert message in told.message
