"""getResolvedOptions reads a job's command line as AWS's does."""

import sys
from pathlib import Path

import pytest

from millpond.engines import spark as engine


@pytest.fixture(autouse=True)
def library(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(Path(engine.__file__).parent / "libraries"), *sys.path])


def resolved(words, names):
    from awsglue.utils import getResolvedOptions

    return getResolvedOptions(["script.py", *words], names)


def test_named_arguments_come_with_glues_own() -> None:
    words = ["--JOB_NAME", "j", "--day=mon", "--TempDir", "s3://t/", "--conf", "spark.a=b"]
    found = resolved(words, ["JOB_NAME", "day"])
    assert (found["JOB_NAME"], found["day"]) == ("j", "mon")
    assert found["TempDir"] == found["RedshiftTempDir"] == "s3://t/"
    assert found["job_bookmark_option"] == "job-bookmark-disable"
    assert "conf" not in found


def test_a_missing_argument_is_an_error_with_its_name() -> None:
    from awsglue.utils import GlueArgumentError

    with pytest.raises(GlueArgumentError, match="--day"):
        resolved(["--JOB_NAME", "j"], ["JOB_NAME", "day"])


@pytest.mark.parametrize("name", ["JOB_RUN_ID", "job-bookmark-option", "encryption-type"])
def test_glues_own_names_are_reserved(name) -> None:
    with pytest.raises(RuntimeError, match="reserved"):
        resolved([], [name])


def test_a_paused_bookmark_needs_both_ends_or_none() -> None:
    paused = ["--job-bookmark-option", "job-bookmark-pause"]
    assert resolved(paused, [])["job_bookmark_option"] == "job-bookmark-pause"
    with pytest.raises(RuntimeError, match="--job-bookmark-to"):
        resolved([*paused, "--job-bookmark-from", "jr_1"], [])
    ends = ["--job-bookmark-from", "jr_1", "--job-bookmark-to", "jr_2"]
    assert resolved([*paused, *ends], [])["job_bookmark_from"] == "jr_1"
    with pytest.raises(RuntimeError, match="Invalid option"):
        resolved(ends, [])
