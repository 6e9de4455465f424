"""Small services on real models, to see what the gateway does with what operations do."""

import asyncio
import hashlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from millpond.gateway.adapter import serve
from millpond.gateway.chain import Gateway
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.body import Body, BytesBody, FileBody, StreamBody
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import Clock, SystemClock
from millpond.kernel.credentials import Credential
from millpond.kernel.errors import Conflict, Damaged, Full, ServiceError, Unavailable
from millpond.kernel.ids import SystemIds
from millpond.services.cloudwatch import shapes as cloudwatch
from millpond.services.glue import shapes as glue
from millpond.services.kinesis import shapes as kinesis
from millpond.services.s3 import shapes as s3
from millpond.services.sts import shapes as sts

ACCOUNT = "123456789012"
KEY, SECRET = "AKIDEXAMPLEEXAMPLE00", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TEMPORARY_KEY, TEMPORARY_SECRET = "ASIATEMPORARY0000000", "temporary/secret"
TOKEN = "a-session-token"
EXPIRED_KEY, READER_KEY = "ASIAEXPIRED000000000", "ASIAREADER0000000000"
PIECE = bytes(range(256)) * 256
"""64 KiB that a stream repeats."""


class NoSuchKey(ServiceError):
    code = "NoSuchKey"
    status = 404


class ResourceNotFound(ServiceError):
    code = "ResourceNotFoundException"


class InvalidParameterValue(ServiceError):
    code = "InvalidParameterValueException"


def _credential(key: str, secret: str, *actions: str, **rest: Any) -> Credential:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/tester/{key}"
    return Credential(key, secret, Principal(arn, key, key, actions), **rest)


CREDENTIALS = {
    credential.access_key_id: credential
    for credential in (
        _credential(KEY, SECRET, "*"),
        _credential(TEMPORARY_KEY, TEMPORARY_SECRET, "*", session_token=TOKEN),
        _credential(EXPIRED_KEY, SECRET, "*", session_token=TOKEN, expires_ms=1),
        _credential(READER_KEY, SECRET, "s3:GetObject", "glue:Get*"),
    )
}


class FixedCredentials:
    async def find(self, access_key_id: str) -> Credential | None:
        return CREDENTIALS.get(access_key_id)


@dataclass
class Shelf:
    """What the toy services share: objects in memory, large ones as files in `folder`."""

    folder: Path
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    seen: list[Any] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    conflicts: int = 0
    streamed: int = 0
    abandoned: threading.Event = field(default_factory=threading.Event)
    subscribers: int = 0
    sent: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    call_aws: Any = None


async def put_object(needs: Shelf, call: Call, request: Any) -> Any:
    needs.calls.append(call)
    digest = hashlib.md5()
    content: list[bytes] = []
    async for piece in request.body:
        digest.update(piece)
        content.append(piece)
    if needs.conflicts:
        needs.conflicts -= 1
        raise Conflict("lost")
    needs.objects[request.bucket, request.key] = b"".join(content)
    needs.seen.append((request, dict(request.body.trailers), request.body.length))
    return s3.PutObjectOutput(etag=f'"{digest.hexdigest()}"')


async def get_object(needs: Shelf, call: Call, request: Any) -> Any:
    needs.calls.append(call)
    body = _content(needs, request.key)
    if body is None:
        content = needs.objects.get((request.bucket, request.key))
        if content is None:
            raise NoSuchKey("The specified key does not exist.", Key=request.key)
        body = BytesBody(content)
        if len(content) > 256 * 1024:
            path = needs.folder / hashlib.sha256(request.key.encode()).hexdigest()
            path.write_bytes(content)
            body = FileBody(path, 0, len(content))
            if request.range:
                first, _, last = request.range.removeprefix("bytes=").partition("-")
                size = int(last) - int(first) + 1
                return s3.GetObjectOutput(
                    body=FileBody(path, int(first), size),
                    content_length=size,
                    content_range=f"bytes {first}-{last}/{len(content)}",
                )
    return s3.GetObjectOutput(body=body, content_length=body.length, metadata={"who": "toy"})


async def head_object(needs: Shelf, call: Call, request: Any) -> Any:
    content = needs.objects.get((request.bucket, request.key))
    if content is None:
        raise NoSuchKey("Not Found")
    return s3.HeadObjectOutput(content_length=len(content), etag='"x"')


async def list_buckets(needs: Shelf, call: Call, request: Any) -> Any:
    return s3.ListBucketsOutput(buckets=[s3.Bucket(name=name) for name, _ in needs.objects])


async def delete_objects(needs: Shelf, call: Call, request: Any) -> Any:
    needs.seen.append(request)
    return s3.DeleteObjectsOutput()


def _content(needs: Shelf, key: str) -> Body | None:
    """Bodies that are made while they are sent: `stream/<pieces>[/<way to fail>]`."""
    kind, _, rest = key.partition("/")
    if kind == "missing-file":
        return FileBody(needs.folder / "nothing", 0, 10)
    if kind != "stream":
        return None
    count, _, failure = rest.partition("/")

    async def pieces() -> AsyncIterator[bytes]:
        try:
            for number in range(int(count)):
                if failure == "breaks" and number == int(count) - 1:
                    raise Damaged("a secret: block 7 of /data/objects/ab")
                needs.streamed += 1
                yield PIECE
        finally:
            needs.abandoned.set()

    length = None if failure == "unknown" else int(count) * len(PIECE)
    return StreamBody(pieces(), length)


async def get_database(needs: Shelf, call: Call, request: Any) -> Any:
    """Does what the name says."""
    needs.calls.append(call)
    match request.name:
        case "conflict":
            if needs.conflicts:
                needs.conflicts -= 1
                raise Conflict("lost")
        case "always-conflict":
            needs.conflicts += 1
            raise Conflict("lost")
        case "full":
            raise Full("no space on /secret/path")
        case "unavailable":
            raise Unavailable("try later, at /secret/path")
        case "damaged":
            raise Damaged("/secret/path block 3")
        case "crash":
            raise RuntimeError("a secret: /etc/passwd")
        case "wait":
            await asyncio.sleep(0.5)
    return glue.GetDatabaseResponse(database=glue.Database(name=request.name))


async def create_database(needs: Shelf, call: Call, request: Any) -> Any:
    """Reads through S3 what the description names."""
    answer = await needs.call_aws(
        call, "s3", "GetObject", Bucket="bucket", Key=request.database_input.description
    )
    needs.seen.append(answer)
    return glue.CreateDatabaseResponse()


async def put_records(needs: Shelf, call: Call, request: Any) -> Any:
    needs.seen.append(request)
    result = kinesis.PutRecordsResultEntry(sequence_number="4" * 56, shard_id="shardId-1")
    return kinesis.PutRecordsOutput(
        failed_record_count=0, records=[result for _ in request.records]
    )


async def put_record(needs: Shelf, call: Call, request: Any) -> Any:
    """Wakes the subscribers, who are sent the record."""
    needs.seen.append(request)
    needs.woken.set()
    needs.woken = asyncio.Event()
    return kinesis.PutRecordOutput(shard_id="shardId-1", sequence_number="4" * 56)


async def subscribe_to_shard(needs: Shelf, call: Call, request: Any) -> Any:
    if request.shard_id == "none":
        raise ResourceNotFound("Shard none does not exist.")
    return kinesis.SubscribeToShardOutput(event_stream=_events(needs, request.shard_id))


async def _events(needs: Shelf, kind: str) -> AsyncIterator[kinesis.SubscribeToShardEvent]:
    """What the shard's name says: `<count>`, `live`, `flood`, `refused`, `crashes`."""
    needs.subscribers += 1
    try:
        if kind == "live":
            yield _event(0)
            while True:
                await needs.woken.wait()
                yield _event(len(needs.seen), needs.seen[-1].data)
        count = int(kind) if kind.isdigit() else 10**9 if kind == "flood" else 1
        for number in range(count):
            needs.sent += 1
            yield _event(number, PIECE if kind == "flood" else b"data")
        if kind == "refused":
            raise ResourceNotFound("The stream is gone.")
        if kind == "crashes":
            raise RuntimeError("a secret: /etc/passwd")
    finally:
        needs.subscribers -= 1
        needs.abandoned.set()


def _event(number: int, data: bytes = b"") -> kinesis.SubscribeToShardEvent:
    record = kinesis.Record(
        sequence_number=str(number),
        data=data,
        partition_key="key",
        approximate_arrival_timestamp=1_700_000_000.25,
    )
    return kinesis.SubscribeToShardEvent(
        records=[record], continuation_sequence_number=str(number), millis_behind_latest=0
    )


async def put_metric_data(needs: Shelf, call: Call, request: Any) -> None:
    needs.seen.append(request)


async def list_metrics(needs: Shelf, call: Call, request: Any) -> Any:
    if request.namespace == "Refused":
        raise InvalidParameterValue("The value Refused for parameter Namespace is invalid.")
    return cloudwatch.ListMetricsOutput(
        metrics=[cloudwatch.Metric(namespace=request.namespace, metric_name="Count")]
    )


async def get_caller_identity(needs: Shelf, call: Call, request: Any) -> Any:
    return sts.GetCallerIdentityResponse(
        user_id=call.principal.user_id, account=call.account, arn=call.principal.arn
    )


def make_services(shelf: Shelf) -> dict[str, Service]:
    services = {
        "s3": Service(
            s3.MODEL,
            {
                "PutObject": put_object,
                "GetObject": get_object,
                "HeadObject": head_object,
                "ListBuckets": list_buckets,
                "DeleteObjects": delete_objects,
            },
            shelf,
        ),
        "glue": Service(
            glue.MODEL,
            {"GetDatabase": get_database, "CreateDatabase": create_database},
            shelf,
        ),
        "kinesis": Service(
            kinesis.MODEL,
            {
                "PutRecord": put_record,
                "PutRecords": put_records,
                "SubscribeToShard": subscribe_to_shard,
            },
            shelf,
        ),
        "cloudwatch": Service(
            cloudwatch.MODEL,
            {"PutMetricData": put_metric_data, "ListMetrics": list_metrics},
            shelf,
        ),
        "sts": Service(sts.MODEL, {"GetCallerIdentity": get_caller_identity}, shelf),
    }
    shelf.call_aws = caller(services, {("s3", "GetObject")})
    return services


def make_gateway(shelf: Shelf, clock: Clock | None = None) -> Gateway:
    return Gateway(
        make_services(shelf), FixedCredentials(), ACCOUNT, clock or SystemClock(), SystemIds()
    )


@dataclass
class Running:
    """A real server in a thread of this process."""

    port: int
    shelf: Shelf

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(shelf: Shelf, host: str = "127.0.0.1") -> Iterator[Running]:
    ready: Future[int] = Future()
    stop: list[Callable[[], None]] = []

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        await serve(
            make_gateway(shelf),
            host,
            0,
            ready=lambda _, port: ready.set_result(port),
            stopping=stopping,
            stop_seconds=2,
        )

    def run() -> None:
        try:
            uvloop.run(main())
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            logging.getLogger(__name__).exception("the server ended")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield Running(ready.result(10), shelf)
    finally:
        if stop:
            stop[0]()
        thread.join(10)
        assert not thread.is_alive()
