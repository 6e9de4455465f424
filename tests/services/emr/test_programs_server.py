"""Core Hadoop and Hive on a real server: steps as the console and the CLI make them."""

MAPPER = b"""#!/usr/bin/env python3
import sys
for line in sys.stdin:
    for word in line.split():
        print(f"{word}\\t1")
"""
REDUCER = b"""#!/usr/bin/env python3
import sys
from itertools import groupby
pairs = (line.rstrip("\\n").split("\\t") for line in sys.stdin)
for word, found in groupby(pairs, key=lambda pair: pair[0]):
    print(f"{word}\\t{sum(int(count) for _, count in found)}")
"""
SCRIPT = b"""
create external table counted (word string, n int)
  row format delimited fields terminated by '\\t' location '${INPUT}';
select sum(n) from counted;
"""


def test_a_streaming_step_counts_what_a_hive_step_sums(account):
    account.put(
        **{"map.py": MAPPER, "reduce.py": REDUCER, "in/a.txt": b"to be or not to be\n"},
        **{"sum.q": SCRIPT},
    )
    root = f"s3://{account.bucket}"
    streaming = account.command(
        *("hadoop-streaming", "-files", f"{root}/map.py,{root}/reduce.py"),
        *("-mapper", "map.py", "-reducer", "reduce.py"),
        *("-input", f"{root}/in", "-output", f"{root}/out"),
    )
    hive = account.command(
        *("hive-script", "--run-hive-script", "--args", "-f", f"{root}/sum.q"),
        *("-d", f"INPUT={root}/out/"),
    )
    cluster_id = account.run(
        streaming,
        hive,
        ReleaseLabel="emr-7.12.0",
        Applications=[{"Name": "Hadoop"}, {"Name": "Hive"}],
    )
    account.until(
        lambda: account.status(cluster_id)["State"],
        lambda state: state.startswith("TERMINATED"),
        seconds=300,
    )
    cluster = account.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
    steps = account.emr.list_steps(ClusterId=cluster_id)["Steps"][::-1]
    logs = [account.log(cluster_id, step, "stderr") for step in steps]
    assert [step["Status"]["State"] for step in steps] == ["COMPLETED", "COMPLETED"], logs
    counted = account.s3.get_object(Bucket=account.bucket, Key="out/part-00000")["Body"].read()
    assert counted == b"be\t2\nnot\t1\nor\t1\nto\t2\n"
    assert account.log(cluster_id, steps[1]) == "6\n"
    versions = {one["Name"]: one["Version"] for one in cluster["Applications"]}
    assert versions == {"Hadoop": "3.3.4", "Hive": "3.1.3"}
