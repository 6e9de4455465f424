"""The command line does what it says, and says why when it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

import millpond


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "millpond", *arguments],
        cwd=cwd,
        env={"PATH": os.defpath} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_tells_its_version(tmp_path):
    assert run("--version", cwd=tmp_path).stdout == f"millpond {millpond.__version__}\n"


@pytest.mark.parametrize("command", ["env", "status"])
def test_without_data_it_says_how_to_start(command, tmp_path):
    finished = run(command, cwd=tmp_path)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert f"{tmp_path}/.millpond does not exist. Start a server" in finished.stderr


@pytest.mark.parametrize("command", ["env", "status"])
def test_without_a_server_it_says_so(command, fresh_server):
    fresh_server.stop()
    finished = fresh_server.command(command)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "No server runs on" in finished.stderr


def test_misuse_has_an_exit_code_of_its_own(tmp_path):
    assert run(cwd=tmp_path).returncode == 2
    assert run("fly", cwd=tmp_path).returncode == 2
    finished = run("up", "--port", "high", cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stderr == "millpond: --port: 'high' is not a whole number from 0 to 65535.\n"


def test_a_misspelt_variable_is_mentioned(server):
    finished = server.command("up", env={"MILLPOND_PROT": "1"})
    assert "MILLPOND_PROT is not a setting" in finished.stderr


def test_a_shell_that_evaluates_env_reaches_the_server(server, tmp_path):
    """Whatever the shell pointed at before: stale tokens and profiles are unset."""
    script = (
        f'eval "$({sys.executable} -m millpond env --data {server.data})"\n'
        f"{Path(sys.executable).parent}/aws s3 mb s3://from-a-shell && "
        f"{Path(sys.executable).parent}/aws sts get-caller-identity --query Arn --output text"
    )
    stale = {"AWS_SESSION_TOKEN": "stale", "AWS_PROFILE": "absent"}
    finished = subprocess.run(
        ["sh", "-c", script],
        env=server.environment() | stale,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines() == [
        "make_bucket: from-a-shell",
        "arn:aws:iam::000000000000:root",
    ]


def test_env_quotes_what_a_shell_would_interpret(fresh_server, tmp_path):
    fresh_server.stop()
    secret = "a'b$(touch${IFS}pwned)`touch${IFS}pwned`\"\\;&"
    given = {"MILLPOND_ROOT_ACCESS_KEY_ID": "mine", "MILLPOND_ROOT_SECRET_ACCESS_KEY": secret}
    with subprocess.Popen(
        [sys.executable, "-m", "millpond", "up", "--port", "0", "--data", str(fresh_server.data)],
        env=os.environ | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as other:
        assert other.stdout.readline().startswith(b"Millpond")
        try:
            refused = fresh_server.command("env")
            assert refused.returncode == 1
            assert "was started with the access key mine" in refused.stderr
            exports = fresh_server.command("env", env=given).stdout
            script = f'{exports}\nprintf %s "$AWS_SECRET_ACCESS_KEY"'
            shown = subprocess.run(
                ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True
            )
            assert shown.stdout == secret
            assert list(tmp_path.glob("pwned")) == []
        finally:
            other.terminate()


def test_the_greeting_can_be_pasted_whatever_the_folder_is_called(tmp_path):
    data = tmp_path / "it's my $data"
    with subprocess.Popen(
        [sys.executable, "-m", "millpond", "up", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as other:
        try:
            greeting = [other.stdout.readline() for _ in range(3)]
            shown = subprocess.run(
                ["sh", "-c", greeting[2].partition(": ")[2] + 'printf %s "$AWS_ENDPOINT_URL"'],
                env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"},
                capture_output=True,
                text=True,
            )
        finally:
            other.terminate()
    assert greeting[0].endswith(f" serves at {shown.stdout}\n"), shown.stderr


def test_boto3_needs_nothing_but_the_variables(server, monkeypatch):
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    identity = boto3.session.Session().client("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"


def test_data_that_is_no_folder_is_refused_by_its_name(tmp_path):
    (tmp_path / "taken").touch()
    finished = run("up", "--port", "0", "--data", "taken", cwd=tmp_path)
    assert (finished.returncode, finished.stderr) == (
        1,
        f"millpond: {tmp_path}/taken is not a folder.\n",
    )
    below = run("up", "--port", "0", "--data", "taken/data", cwd=tmp_path)
    assert below.stderr == f"millpond: {tmp_path}/taken/data is not a folder.\n"


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_an_address_that_others_can_reach_is_warned_about(host, warned, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "millpond", "up", "--port", "0", "--host", host],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline().startswith("Millpond")
        other.terminate()
        _, log = other.communicate(timeout=20)
    assert ("Other machines can reach 0.0.0.0:" in log) is warned


@pytest.mark.parametrize("command", ["env", "status"])
def test_a_reader_that_has_gone_away_is_no_cause_for_a_traceback(command, server):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "millpond", command, "--data", str(server.data)],
            env={"PATH": os.defpath},
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert (finished.returncode, finished.stderr) == (1, b"")
