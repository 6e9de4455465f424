"""Bookmarks: what a run commits is given to the next one, whatever else happens."""

import json

import pytest

ENABLED = {"--job-bookmark-option": "job-bookmark-enable"}


async def given(bench, run, name="job"):
    """What a run's script was told (the script has the line `show`)."""
    (line,) = await bench.lines("/aws-glue/jobs/output", run["Id"])
    return json.loads(line)


async def test_a_run_begins_where_the_last_one_ended(bench, refusal):
    await bench.make("show", 'commit {"orders": {"n": 1}}', DefaultArguments=ENABLED)
    told = await refusal(bench.bookmark())
    assert told.code == "EntityNotFoundException"
    first = await bench.do()
    assert await given(bench, first) == {
        "job_name": "job",
        "run_id": first["Id"],
        "attempt": 0,
        "run": 1,
        "option": "job-bookmark-enable",
        "from": None,
        "to": None,
        "states": {},
    }
    await bench.put("job.py", 'show\ncommit {"orders": {"n": 2}}')
    second = await bench.do()
    assert (await given(bench, second))["states"] == {"orders": {"n": 1}}
    assert await bench.bookmark() == {
        "JobName": "job",
        "Version": 2,
        "Run": 2,
        "Attempt": 0,
        "PreviousRunId": first["Id"],
        "RunId": second["Id"],
        "JobBookmark": '{"orders": {"n": 2}}',
    }
    assert (await bench.bookmark(RunId=first["Id"]))["JobBookmark"] == '{"orders": {"n": 1}}'


async def test_a_failed_run_advances_only_what_it_committed(bench):
    await bench.make('commit {"a": 1}', DefaultArguments=ENABLED)
    await bench.do()
    await bench.put("job.py", "fail ValueError: early")
    await bench.do()
    assert (await bench.bookmark())["JobBookmark"] == '{"a": 1}'
    await bench.put("job.py", 'commit {"a": 2}\nfail ValueError: late')
    await bench.do()
    assert (await bench.bookmark())["JobBookmark"] == '{"a": 2}'


async def test_an_attempt_begins_where_the_bookmark_stands(bench):
    await bench.make('show\ncommit {"a": 1}\nfail no', DefaultArguments=ENABLED, MaxRetries=1)
    first = await bench.do()
    again = await bench.ended(f"{first['Id']}_attempt_1")
    told = await given(bench, again)
    assert (told["states"], told["attempt"]) == ({"a": 1}, 1)


async def test_what_a_run_committed_before_a_crash_is_kept(bench):
    await bench.make('commit {"a": 1}', "hang", DefaultArguments=ENABLED)
    run_id = await bench.start()
    await bench.until(run_id, "RUNNING")
    await bench.restart()
    assert (await bench.ended(run_id))["JobRunState"] == "FAILED"
    assert (await bench.bookmark())["JobBookmark"] == '{"a": 1}'


@pytest.mark.parametrize("option", ["job-bookmark-disable", "job-bookmark-pause"])
async def test_other_options_leave_the_bookmark_as_it_is(bench, option):
    await bench.make('show\ncommit {"a": 1}', DefaultArguments=ENABLED)
    await bench.do()
    await bench.put("job.py", 'show\ncommit {"a": 2}')
    run = await bench.do(Arguments={"--job-bookmark-option": option})
    states = {} if option == "job-bookmark-disable" else {"a": 1}
    assert (await given(bench, run))["states"] == states
    assert (await bench.bookmark())["JobBookmark"] == '{"a": 1}'


async def test_a_paused_bookmark_reads_a_range_of_runs(bench):
    await bench.make('commit {"a": 1}', DefaultArguments=ENABLED)
    runs = []
    for number in range(1, 4):
        await bench.put("job.py", f'commit {{"a": {number}}}')
        runs.append(await bench.do())
    await bench.put("job.py", "fail nothing")
    without = await bench.do()
    await bench.put("job.py", "show")
    pause = {"--job-bookmark-option": "job-bookmark-pause"}
    names = {"--job-bookmark-from": runs[0]["Id"], "--job-bookmark-to": without["Id"]}
    told = await given(bench, await bench.do(Arguments=pause | names))
    assert (told["from"], told["to"], told["states"]) == ({"a": 1}, {"a": 3}, {"a": 1})
    failed = await bench.do(Arguments=pause | {"--job-bookmark-from": "jr_none"})
    assert failed["ErrorMessage"] == "Job bookmark range: the job has no run jr_none."


async def test_a_bookmark_is_reset_to_the_beginning_or_to_a_run(bench, refusal):
    await bench.make('commit {"a": 1}', DefaultArguments=ENABLED)
    first = await bench.do()
    await bench.put("job.py", 'commit {"a": 2}')
    second = await bench.do()
    entry = (await bench.glue("ResetJobBookmark", JobName="job", RunId=first["Id"]))[
        "JobBookmarkEntry"
    ]
    assert (entry["JobBookmark"], entry["RunId"], entry["Version"]) == ('{"a": 1}', first["Id"], 3)
    assert (await bench.bookmark(RunId=second["Id"]))["JobBookmark"] == '{"a": 2}'
    entry = (await bench.glue("ResetJobBookmark", JobName="job"))["JobBookmarkEntry"]
    assert (entry["JobBookmark"], entry["Run"], entry["Attempt"]) == ("{}", 0, 0)
    await bench.put("job.py", "show")
    assert (await given(bench, await bench.do()))["states"] == {}
    told = await refusal(bench.glue("ResetJobBookmark", JobName="job", RunId="jr_none"))
    assert told.code == "EntityNotFoundException"


async def test_a_run_cannot_undo_a_reset(bench):
    await bench.make('commit {"a": 1}', "hang", DefaultArguments=ENABLED)
    run_id = await bench.start()
    await bench.until(run_id, "RUNNING")
    await bench.glue("ResetJobBookmark", JobName="job")
    for run in list(bench.spark.alive):
        run.finish(run.spark.what and _succeeded())
    run = await bench.ended(run_id)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == (
        "Continuation update failed due to version mismatch. Expected version 0 but found version 1"
    )
    assert (await bench.bookmark())["JobBookmark"] == "{}"


def _succeeded():
    from millpond.engines.spark.interface import Finished

    return Finished(0, "exit code 0")


async def test_a_link_that_a_script_leaves_is_not_followed(bench, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"states": {"stolen": 1}}')
    await bench.make(f"link {secret}", DefaultArguments=ENABLED)
    assert (await bench.do())["JobRunState"] == "SUCCEEDED"
    with pytest.raises(Exception, match="Continuation for job job not found"):
        await bench.bookmark()


async def test_bookmarks_of_many_runs_are_forgotten_in_the_end(bench, monkeypatch):
    monkeypatch.setattr("millpond.services.glue.jobs.store.BOOKMARKS_KEPT", 3)
    await bench.make('commit {"a": 1}', DefaultArguments=ENABLED)
    runs = [await bench.do() for _ in range(6)]
    with pytest.raises(Exception, match="Continuation for job job not found"):
        await bench.bookmark(RunId=runs[0]["Id"])
    assert (await bench.bookmark(RunId=runs[3]["Id"]))["Version"] == 4


@pytest.mark.parametrize(
    "left",
    ["{", "[]", '{"states": 1}', "[" * 100_000, '{"states": {"a": NaN'],
    ids=["cut", "list", "number", "deep", "torn"],
)
async def test_what_is_no_bookmark_is_passed_over(bench, left):
    await bench.make(f"leave {left}", DefaultArguments=ENABLED)
    assert (await bench.do())["JobRunState"] == "SUCCEEDED"
    with pytest.raises(Exception, match="Continuation for job job not found"):
        await bench.bookmark()
