"""A cluster of Apache Spark's release on a real server: what only a JVM can, on nodes that come and
are lost."""

CORE = {"InstanceRole": "CORE", "InstanceType": "m5.xlarge", "InstanceCount": 1, "Market": "SPOT"}
WORDS = b"to be or not to be\n" * 40
JOB = b"""
import sys, time
from pyspark import SparkContext

context = SparkContext.getOrCreate()
words = context.textFile(sys.argv[1], 4).flatMap(str.split).map(lambda word: (word, 1))
counted = words.reduceByKey(lambda one, other: one + other, 4)

def slowly(pair):
    time.sleep(3)
    return pair

print(sorted(counted.map(slowly).collect()))
"""


def test_words_are_counted_by_an_rdd_whose_node_is_lost_in_the_shuffle(account):
    account.put(**{"job.py": JOB, "words.txt": WORDS})
    bucket = account.bucket
    words = ("spark-submit", f"s3://{bucket}/job.py", f"s3://{bucket}/words.txt")
    cluster_id = account.run(
        account.command(*words), groups=[CORE], keep_alive=True, ReleaseLabel="emr-8.0.0"
    )

    def steps():
        return account.emr.list_steps(ClusterId=cluster_id)["Steps"]

    def core(*states):
        filters = {"InstanceGroupTypes": ["CORE"], "InstanceStates": list(states)}
        return account.emr.list_instances(ClusterId=cluster_id, **filters)["Instances"]

    def reduces():
        """Whether the step has begun with its second stage."""
        try:
            return "missing tasks from ResultStage 1" in account.log(
                cluster_id, steps()[0], "stderr"
            )
        except account.s3.exceptions.NoSuchKey:
            return False

    account.until(reduces, bool, seconds=300)
    (before,) = core("RUNNING")
    order = {"Key": "millpond:spot-interruption", "Value": f"{cluster_id} notice=0"}
    account.emr.add_tags(ResourceId=cluster_id, Tags=[order])
    account.until(lambda: core("TERMINATED"), bool)
    account.until(
        lambda: steps()[0]["Status"]["State"], lambda state: state != "RUNNING", seconds=300
    )
    (after,) = core("RUNNING")
    assert after["Ec2InstanceId"] != before["Ec2InstanceId"]
    account.emr.terminate_job_flows(JobFlowIds=[cluster_id])
    _, (step,) = account.end_of(cluster_id)
    assert step["Status"]["State"] == "COMPLETED", account.log(cluster_id, step, "stderr")
    counted = "[('be', 80), ('not', 40), ('or', 40), ('to', 80)]\n"
    assert account.log(cluster_id, step) == counted
