"""What tests do with jobs on a real server, with boto3."""

import time
import uuid

ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")


class Account:
    """boto3 clients, a bucket of the test's own, and what tests do with jobs."""

    def __init__(self, server):
        self.server = server
        self.s3, self.glue = server.client("s3"), server.client("glue")
        self.logs = server.client("logs")
        self.bucket = f"jobs-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def make(self, script, command="glueetl", **more):
        """Define a job with this script; its name."""
        name = f"job-{uuid.uuid4().hex[:12]}"
        location = self.put(f"{name}.py", script)
        self.glue.create_job(
            Name=name,
            Role="arn:aws:iam::000000000000:role/etl",
            Command={"Name": command, "ScriptLocation": location},
            **more,
        )
        return name

    def run(self, name, run_id):
        return self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]

    def until(self, name, run_id, *states, seconds=60.0):
        deadline = time.monotonic() + seconds
        while (run := self.run(name, run_id))["JobRunState"] not in states:
            assert run["JobRunState"] not in ENDED, run
            assert time.monotonic() < deadline, run
            time.sleep(0.02)
        return run

    def do(self, name, **arguments):
        given = {f"--{key.replace('_', '-')}": value for key, value in arguments.items()}
        run_id = self.glue.start_job_run(JobName=name, Arguments=given)["JobRunId"]
        return self.until(name, run_id, *ENDED)

    def lines(self, run, what="output"):
        answer = self.logs.get_log_events(
            logGroupName=f"{run['LogGroupName']}/{what}",
            logStreamName=run["Id"],
            startFromHead=True,
        )
        return [event["message"] for event in answer["events"]]
