"""Starting and ending: fast, clean, alone on its data, small."""

import json
import signal
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

START_SECONDS_MAX = 1.5
IDLE_MB_MAX = 200


def resident_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def children(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for task in tasks for child in task.read_text().split()]


def test_it_is_ready_in_time_and_small(fresh_server):
    seconds = [fresh_server.restart() for _ in range(3)]
    assert min(seconds) < START_SECONDS_MAX
    assert fresh_server.client("s3").list_buckets()["Buckets"] == []
    assert resident_mb(fresh_server.process.pid) < IDLE_MB_MAX


def test_health_is_answered_unsigned_and_nothing_else_is(server):
    with urllib.request.urlopen(f"{server.endpoint}/_millpond/health") as answer:
        assert answer.status == 200
        assert json.load(answer)["status"] == "ready"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{server.endpoint}/")
    assert refusal.value.code == 403


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(fresh_server, number):
    started = time.perf_counter()
    fresh_server.process.send_signal(number)
    assert fresh_server.process.wait(10) == 0
    assert time.perf_counter() - started < 5
    assert not (fresh_server.data / "run.json").exists()
    assert "Traceback" not in fresh_server.log.read_text()


def test_what_was_acknowledged_outlives_a_kill(fresh_server):
    s3 = fresh_server.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="small", Body=b"x" * 100)
    s3.put_object(Bucket="kept", Key="large", Body=b"y" * 1_000_000)
    before = fresh_server.variables()["AWS_ACCESS_KEY_ID"]
    fresh_server.restart(kill=True)
    assert fresh_server.variables()["AWS_ACCESS_KEY_ID"] == before
    s3 = fresh_server.client("s3")
    assert s3.get_object(Bucket="kept", Key="small")["Body"].read() == b"x" * 100
    assert s3.get_object(Bucket="kept", Key="large")["Body"].read() == b"y" * 1_000_000


def test_a_second_server_on_the_same_data_is_refused(server):
    refused = server.command("up", "--port", "0")
    assert refused.returncode == 1
    assert f"A server already runs on {server.data} at {server.endpoint}" in refused.stderr
    assert server.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_a_port_that_is_taken_is_refused(server, tmp_path):
    refused = server.command("up", "--port", str(server.port), "--data", str(tmp_path / "other"))
    assert refused.returncode == 1
    assert f"Cannot serve on 127.0.0.1:{server.port}: Address already in use." in refused.stderr


def test_only_the_owner_may_look_into_the_data(server):
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for name in ("root-credentials", "run.json"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600


def test_the_secret_is_never_logged(fresh_server):
    secret = fresh_server.secret_access_key
    fresh_server.client("s3").list_buckets()
    fresh_server.stop()
    assert secret not in fresh_server.log.read_text()


def test_an_idle_server_has_no_processes_beside_it(fresh_server):
    deadline = time.monotonic() + 10
    while children(fresh_server.process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children(fresh_server.process.pid) == []


def test_what_an_earlier_server_left_running_is_ended(fresh_server):
    """A process that escaped every other net still carries its server's marker."""
    fresh_server.stop()
    left = subprocess.Popen(["sleep", "600"], env={"MILLPOND_PROCESS": f"{fresh_server.data}/0123"})
    try:
        fresh_server.start()
        assert left.wait(5) == -signal.SIGKILL
    finally:
        left.kill()
    assert "Ended 1 processes" in fresh_server.log.read_text()
