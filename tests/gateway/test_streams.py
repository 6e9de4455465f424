"""Event streams on a real server: each event leaves at once, and nothing is held for nobody."""

import asyncio
import json
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError

from millpond.gateway import sending
from millpond.gateway.adapter import serve
from millpond.gateway.connections import connections
from tests.gateway.http2 import Http2, signed
from tests.gateway.toy import Running, Shelf, make_gateway, running

CONSUMER = "arn:aws:kinesis:eu-central-1:123456789012:stream/s/consumer/c:1"
TARGET = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Kinesis_20131202.SubscribeToShard",
}


def asked(shard: str) -> bytes:
    members = {"ConsumerARN": CONSUMER, "ShardId": shard, "StartingPosition": {"Type": "LATEST"}}
    return json.dumps(members).encode()


def subscribe(client: Any, shard: str) -> Any:
    answer = client("kinesis").subscribe_to_shard(
        ConsumerARN=CONSUMER, ShardId=shard, StartingPosition={"Type": "LATEST"}
    )
    return answer["EventStream"]


def subscribe_raw(port: int, shard: str) -> socket.socket:
    body, url = asked(shard), f"http://127.0.0.1:{port}/"
    headers = signed("kinesis", "POST", url, body=body, headers=TARGET)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sendall(
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return connection


def subscribe_http2(connection: Http2, shard: str) -> int:
    body, url = asked(shard), f"http://{connection.authority}/"
    stream = connection.begin(
        "POST", "/", signed("kinesis", "POST", url, body=body, headers=TARGET), ends=False
    )
    connection.send(stream, body)
    return stream


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.005)


def test_boto3_reads_a_stream_to_its_end(client: Any, shelf: Shelf) -> None:
    events = [event["SubscribeToShardEvent"] for event in subscribe(client, "3")]
    assert [event["ContinuationSequenceNumber"] for event in events] == ["0", "1", "2"]
    record = events[0]["Records"][0]
    assert record["Data"] == b"data"
    assert record["ApproximateArrivalTimestamp"].timestamp() == 1_700_000_000.25
    assert shelf.subscribers == 0


def test_nothing_waits_for_an_acknowledgement(server: Running, shelf: Shelf) -> None:
    """An event behind another answer on one connection would: by 40 ms, with Java's client."""
    with subscribe_raw(server.port, "live") as connection:
        assert connection.recv(200)
        client = connection.getsockname()
        for peer, _, ours in connections():
            if peer == client:
                assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                break
        else:
            pytest.fail("the server has no such connection")
    until(lambda: shelf.subscribers == 0)


def test_a_stream_may_end_before_its_first_event(client: Any, shelf: Shelf) -> None:
    for _ in range(20):
        assert list(subscribe(client, "0")) == []


def test_a_refusal_before_the_stream_is_an_answer(client: Any, shelf: Shelf) -> None:
    with pytest.raises(ClientError) as caught:
        subscribe(client, "none")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_refusal_in_the_stream_is_an_exception_event(client: Any, shelf: Shelf) -> None:
    stream = iter(subscribe(client, "refused"))
    assert "SubscribeToShardEvent" in next(stream)
    with pytest.raises(EventStreamError) as caught:
        next(stream)
    assert caught.value.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "The stream is gone.",
    }


def test_a_failure_in_the_stream_is_told_without_details(
    client: Any, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EventStreamError, match="unknown error") as caught:
        list(subscribe(client, "crashes"))
    assert caught.value.response["Error"]["Code"] == "InternalFailureException"
    until(lambda: "a secret" in caplog.text)


def test_an_event_reaches_its_subscriber_at_once(client: Any, shelf: Shelf) -> None:
    publisher, waits = client("kinesis"), []
    with closing(subscribe(client, "live")) as events:
        stream = iter(events)
        next(stream)
        for number in range(40):
            began = time.perf_counter()
            publisher.put_record(StreamName="s", Data=str(number).encode(), PartitionKey="k")
            event = next(stream)["SubscribeToShardEvent"]
            waits.append(time.perf_counter() - began)
            assert event["Records"][0]["Data"] == str(number).encode()
    assert statistics.median(waits) < 0.05


@pytest.mark.parametrize("shard", ["live", "flood"])
def test_a_client_that_goes_ends_its_stream(server: Running, shelf: Shelf, shard: str) -> None:
    connection = subscribe_raw(server.port, shard)
    assert connection.recv(200)
    until(lambda: shelf.subscribers == 1)
    connection.close()
    until(lambda: shelf.subscribers == 0, 3)


def test_an_http2_connection_that_goes_ends_its_streams(server: Running, shelf: Shelf) -> None:
    with Http2(server.port) as connection:
        streams = [subscribe_http2(connection, "live") for _ in range(3)]
        for stream in streams:
            assert next(connection.pieces(stream))
        until(lambda: shelf.subscribers == 3)
    until(lambda: shelf.subscribers == 0, 3)


def test_an_http2_stream_that_is_reset_ends_with_its_next_events(
    server: Running, shelf: Shelf, client: Any
) -> None:
    publisher = client("kinesis")
    with Http2(server.port) as connection:
        stream = subscribe_http2(connection, "live")
        assert next(connection.pieces(stream))
        until(lambda: shelf.subscribers == 1)
        connection.reset(stream)
        for _ in range(10):
            publisher.put_record(StreamName="s", Data=b"x", PartitionKey="k")
            if not shelf.subscribers:
                break
            time.sleep(0.05)
        assert shelf.subscribers == 0


def test_http2_carries_events_as_they_come(server: Running, shelf: Shelf, client: Any) -> None:
    publisher, buffer = client("kinesis"), EventStreamBuffer()
    with Http2(server.port) as connection:
        pieces = connection.pieces(subscribe_http2(connection, "live"))
        until(lambda: shelf.subscribers == 1)
        names: list[str] = []
        while len(names) < 5:
            buffer.add_data(next(pieces))
            for event in buffer:
                names.append(event.headers[":event-type"])
                if names[-1] == "SubscribeToShardEvent":
                    publisher.put_record(StreamName="s", Data=b"x", PartitionKey="k")
    assert names == ["initial-response", *["SubscribeToShardEvent"] * 4]


def test_a_slow_subscriber_holds_its_source_up(server: Running, shelf: Shelf) -> None:
    with subscribe_raw(server.port, "flood") as connection, Http2(server.port, 1000) as http2:
        subscribe_http2(http2, "flood")
        until(lambda: shelf.subscribers == 2)
        counts = [-1, 0]
        while counts[-1] != counts[-2]:
            time.sleep(0.2)
            counts.append(shelf.sent)
        assert 0 < shelf.sent < 200
        connection.recv(100)


def test_a_subscriber_that_reads_nothing_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BODY_IDLE_SECONDS_MAX", 0.3)
    shelf = Shelf(tmp_path)
    with running(shelf) as server, subscribe_raw(server.port, "flood"):
        until(lambda: shelf.sent > 0)
        until(lambda: shelf.subscribers == 0)


def test_streams_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Callable[..., Any]
) -> None:
    monkeypatch.setattr(sending, "LIVE_STREAMS_MAX", 2)
    shelf = Shelf(tmp_path)
    with running(shelf) as server:
        held = [subscribe_raw(server.port, "live") for _ in range(2)]
        until(lambda: shelf.subscribers == 2)
        with pytest.raises(ClientError) as caught:
            subscribe(lambda name: client(name, endpoint_url=server.endpoint), "live")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        for connection in held:
            connection.close()


@pytest.fixture
def many(server: Running, shelf: Shelf) -> Iterator[list[socket.socket]]:
    connections = [subscribe_raw(server.port, "live") for _ in range(100)]
    yield connections
    for connection in connections:
        connection.close()
    until(lambda: shelf.subscribers == 0)


def test_many_streams_keep_no_request_waiting(
    many: list[socket.socket], shelf: Shelf, client: Any
) -> None:
    until(lambda: shelf.subscribers == 100)
    threads = threading.active_count()
    began = time.monotonic()
    client("kinesis").put_record(StreamName="s", Data=b"x", PartitionKey="k")
    shelf.objects["b", "large"] = bytes(2_000_000)
    assert len(client("s3").get_object(Bucket="b", Key="large")["Body"].read()) == 2_000_000
    assert time.monotonic() - began < 5
    assert threading.active_count() <= threads + 1


async def test_the_server_ends_its_streams_when_it_stops(tmp_path: Path) -> None:
    stopping, bound = asyncio.Event(), asyncio.get_running_loop().create_future()
    shelf = Shelf(tmp_path)
    serving = asyncio.create_task(
        serve(
            make_gateway(shelf),
            "127.0.0.1",
            0,
            ready=lambda _, port: bound.set_result(port),
            stopping=stopping,
            stop_seconds=10,
        )
    )
    connection = await asyncio.to_thread(subscribe_raw, await bound, "live")
    await asyncio.to_thread(until, lambda: shelf.subscribers == 1)
    began = time.monotonic()
    stopping.set()
    await serving
    assert time.monotonic() - began < 5
    assert shelf.subscribers == 0
    with connection:
        came = b""
        while piece := await asyncio.to_thread(connection.recv, 1 << 16):
            came += piece
    assert came.endswith(b"\r\n0\r\n\r\n")
