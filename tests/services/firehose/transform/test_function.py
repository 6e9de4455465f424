"""Python functions in real confined processes, and addresses that stand in for them."""

import base64
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from millpond.app.outgoing import HttpOutgoing
from millpond.services.firehose.transform import confined, function
from millpond.services.firehose.transform.configuration import FunctionSettings
from millpond.services.firehose.transform.function import CODE_FRESH_MS, PythonFunction
from millpond.services.firehose.transform.invoking import Invoking

UPPER = b"""
import base64
def lambda_handler(event, context):
    print("one event of", len(event["records"]), context.aws_request_id == event["invocationId"])
    return {"records": [
        {"recordId": r["recordId"], "result": "Ok",
         "data": base64.b64encode(base64.b64decode(r["data"]).upper()).decode()}
        for r in event["records"]]}
"""


@pytest.fixture
async def invoking(needs: Any, delivery_of: Any) -> Any:
    made: list[Invoking] = []

    def make(address: str = "s3://code/f.py", retries: int = 0, size: int = 1 << 20) -> Invoking:
        settings = FunctionSettings(address, None, retries, size, 0)
        made.append(Invoking(needs, delivery_of(), settings))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def pid(one: Invoking) -> int | None:
    assert isinstance(one.function, PythonFunction)
    return one.function.worker.pid


async def test_a_function_transforms_records_and_is_kept_warm(
    invoking: Any, bucket: Any, records_of: Any
) -> None:
    bucket.objects["f.py"] = UPPER
    one = invoking(size=4)
    done = await one.apply(records_of(b"ab", b"cd", b"ef"))
    assert [record.data for record in done.records] == [b"AB", b"CD", b"EF"]
    assert [record.id for record in done.records] == ["0", "1", "2"]
    first = pid(one)
    await one.apply(records_of(b"x"))
    assert pid(one) == first and bucket.reads == 1


async def test_a_zip_names_its_handler(invoking: Any, bucket: Any, records_of: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app/work.py", UPPER.decode().replace("lambda_handler", "go"))
        archive.writestr("app/__init__.py", "")
    bucket.objects["code.zip"] = packed.getvalue()
    done = await invoking("s3://code/code.zip#app.work.go").apply(records_of(b"zip"))
    assert [record.data for record in done.records] == [b"ZIP"]


async def test_newer_code_is_taken_up(
    invoking: Any, bucket: Any, clock: Any, records_of: Any
) -> None:
    bucket.objects["f.py"] = UPPER
    one = invoking()
    await one.apply(records_of(b"a"))
    bucket.objects["f.py"] = UPPER.replace(b".upper()", b"[::-1]")
    clock.ahead_ms += CODE_FRESH_MS
    done = await one.apply(records_of(b"ab"))
    assert done.records[0].data == b"ba"


RESULTS = b"""
import base64
def lambda_handler(event, context):
    out = []
    for r in event["records"]:
        word = base64.b64decode(r["data"]).decode()
        out.append({"recordId": r["recordId"], "result": word, "data": r["data"],
                    "metadata": {"partitionKeys": {"word": word}}})
    return {"records": out}
"""


async def test_records_are_kept_dropped_and_failed_as_the_function_says(
    invoking: Any, bucket: Any, records_of: Any
) -> None:
    bucket.objects["f.py"] = RESULTS
    done = await invoking().apply(records_of(b"Ok", b"Dropped", b"ProcessingFailed"))
    assert [record.lambda_keys for record in done.records] == [{"word": "Ok"}]
    assert done.dropped == 1
    (failure,) = done.failures
    assert (failure.kind, failure.code) == ("processing-failed", "Lambda.ProcessingFailedStatus")
    assert failure.raw == b"ProcessingFailed"
    assert failure.more == {"lambdaArn": "s3://code/f.py"}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (b"def lambda_handler(event, context): raise ValueError('no luck')", "ValueError: no luck"),
        (b"def lambda_handler(event, context): return {'records': b''}", "not JSON serializable"),
        (b"import sys\ndef lambda_handler(event, context): sys.exit(3)", "SystemExit: 3"),
        (b"import os\ndef lambda_handler(event, context): os._exit(3)", "exit code 3"),
        (b"def other(): pass", "Handler 'lambda_handler' missing"),
        (b"1 / 0", "ZeroDivisionError"),
        (b"def lambda_handler(event, context): return bytearray(2 << 30)", "MemoryError"),
        (
            b"import glob\ndef lambda_handler(event, context): raise ValueError(glob.glob('%s'))",
            "ValueError: []",
        ),
        (
            b"import socket\ndef lambda_handler(event, context): socket.socket()",
            "Address family not supported",
        ),
        (
            b"import os\ndef lambda_handler(event, context):\n  while True: os.fork()",
            "Resource temporarily unavailable",
        ),
        (
            b"import os\ndef lambda_handler(event, context):\n"
            b"  raise ValueError([n for n in os.environ if 'AWS' in n or 'KEY' in n])",
            "ValueError: []",
        ),
    ],
)
async def test_what_a_function_does_wrong_fails_its_records_and_harms_nothing(
    invoking: Any, bucket: Any, records_of: Any, needs: Any, code: bytes, told: str
) -> None:
    secret = str(needs.folder.parent / "secr*").encode()
    bucket.objects["f.py"] = code.replace(b"%s", secret)
    one = invoking(retries=1)
    done = await one.apply(records_of(b"a", b"b"))
    assert [failure.code for failure in done.failures] == ["Lambda.FunctionError"] * 2
    assert told in done.failures[0].message
    assert done.failures[0].attempts == 2
    bucket.objects["f.py"] = UPPER
    needs.clock.ahead_ms += CODE_FRESH_MS
    done = await one.apply(records_of(b"a"))
    assert done.records[0].data == b"A"


async def test_a_function_that_hangs_is_ended(
    invoking: Any, bucket: Any, records_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, "FUNCTION_SECONDS_MAX", 0.3)
    bucket.objects["f.py"] = b"def lambda_handler(event, context):\n  while True: pass"
    one = invoking()
    done = await one.apply(records_of(b"a"))
    assert done.failures[0].code == "Lambda.FunctionTimedOut"
    assert pid(one) is None


async def test_code_that_is_not_there_fails_after_the_retries(
    invoking: Any, records_of: Any, clock: Any
) -> None:
    done = await invoking(retries=3).apply(records_of(b"a"))
    assert done.failures[0].code == "Lambda.ResourceNotFound"
    assert done.failures[0].attempts == 4
    assert clock.waits == [0.1, 0.2, 0.4]


async def test_an_idle_worker_leaves(
    invoking: Any, bucket: Any, records_of: Any, needs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined, "IDLE_SECONDS_MAX", 0.01)
    bucket.objects["f.py"] = UPPER
    one = invoking()
    await one.apply(records_of(b"a"))
    while pid(one) is not None:
        await function_loop_turn()
    await one.close()
    assert list((needs.folder / "workers").glob("*/*")) == []


async def test_what_an_earlier_run_left_is_removed(
    invoking: Any, bucket: Any, records_of: Any, needs: Any
) -> None:
    left = needs.folder / "workers" / "earlier" / "0" / "in"
    left.mkdir(parents=True)
    bucket.objects["f.py"] = UPPER
    await invoking().apply(records_of(b"a"))
    assert not left.exists()


async def function_loop_turn() -> None:
    import asyncio

    await asyncio.sleep(0.01)


async def test_a_record_too_large_for_an_event_fails_by_name(
    invoking: Any, bucket: Any, records_of: Any
) -> None:
    bucket.objects["f.py"] = UPPER
    done = await invoking().apply(records_of(b"small", bytes(5 << 20)))
    assert [record.data for record in done.records] == [b"SMALL"]
    assert "larger than a function takes" in done.failures[0].message


Serve = Callable[[Callable[[web.Request], Awaitable[web.Response]]], Awaitable[str]]


@pytest.fixture
async def serve(aiohttp_free_port: int) -> Any:
    runners: list[web.AppRunner] = []

    async def start(handler: Callable[[web.Request], Awaitable[web.Response]]) -> str:
        app = web.Application(client_max_size=16 << 20)
        app.router.add_post("/transform", handler)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", aiohttp_free_port).start()
        return f"http://127.0.0.1:{aiohttp_free_port}/transform"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def aiohttp_free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_an_address_transforms_and_is_asked_again_when_it_fails(
    invoking: Any, needs: Any, serve: Serve, records_of: Any
) -> None:
    events: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        events.append(await request.json())
        if len(events) == 1:
            return web.Response(status=503, text="busy")
        records = [
            {"recordId": r["recordId"], "result": "Ok", "data": base64.b64encode(b"!").decode()}
            for r in events[-1]["records"]
        ]
        return web.json_response({"records": records})

    needs.outgoing = HttpOutgoing()
    url = await serve(handler)
    done = await invoking(url, retries=1).apply(records_of(b"a", b"b"))
    await needs.outgoing.close()
    assert [record.data for record in done.records] == [b"!", b"!"]
    assert [len(one["records"]) for one in events] == [2, 2]
    assert json.dumps(events[0]["records"]) == json.dumps(events[1]["records"])


async def test_an_address_that_nobody_has_fails_the_records(
    invoking: Any, needs: Any, aiohttp_free_port: int, records_of: Any
) -> None:
    needs.outgoing = HttpOutgoing()
    done = await invoking(f"http://127.0.0.1:{aiohttp_free_port}/").apply(records_of(b"a"))
    await needs.outgoing.close()
    assert done.failures[0].code == "Lambda.TargetServerFailedToRespond"
