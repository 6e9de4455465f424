"""The function that transforms records: Python code in S3, or an address that speaks its contract.

There is no Lambda service here. What stands in `LambdaArn` says where the function is:

    s3://bucket/transform.py               lambda_handler(event, context) in that file
    s3://bucket/code.zip                   lambda_function.lambda_handler in that zip
    s3://bucket/code.zip#module.handler    another handler in it (the part after # also for .py)
    http://… or https://…                  POST of the event, answered with the records
"""

import re
from pathlib import Path
from typing import NamedTuple, Protocol

from millpond.kernel.body import gather
from millpond.kernel.errors import ServiceError
from millpond.kernel.outgoing import Unreachable
from millpond.services.firehose.delivery.interface import Delivery
from millpond.services.firehose.destinations.addresses import check_url
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.transform import confined
from millpond.services.firehose.transform.invocation import (
    FUNCTION_ERROR,
    FUNCTION_ERROR_TEXT,
    PAYLOAD_SIZE_BYTES_MAX,
    InvocationFailed,
)

FUNCTION_SECONDS_MAX = 60.0
"""How long an invocation of Python code may take."""
REMOTE_SECONDS_MAX = 300.0
"""How long an address may take to answer: the longest invocation that Firehose waits for."""
FUNCTION_MEMORY_BYTES = 512 << 20
CODE_SIZE_BYTES_MAX = 50 << 20
"""Lambda's bound of a zip."""
CODE_FRESH_MS = 10_000
"""How long code is used before it is asked whether there is a newer one."""
TIMED_OUT = "Lambda.FunctionTimedOut"
_WORKER = "millpond.services.firehose.transform.function_worker"
_HANDLER = re.compile(r"[\w./-]+\.\w+", re.ASCII)


class Code(NamedTuple):
    """Where Python code lies. `handler` is `module.function`."""

    bucket: str
    key: str
    handler: str


class Function(Protocol):
    async def invoke(self, event: bytes) -> bytes:
        """The function's answer to an event.

        Raises:
            InvocationFailed: there is none.
        """
        ...

    async def close(self) -> None: ...


def parse_address(value: str) -> Code | str:
    """Where a function is: code in S3, or an address.

    Raises:
        InvalidArgument: it is neither; the text says what can be given.
    """
    if value.startswith(("http://", "https://")):
        check_url("LambdaArn", value)
        return value
    if value.startswith("s3://"):
        path, _, handler = value.removeprefix("s3://").partition("#")
        bucket, _, key = path.partition("/")
        handler = handler or "lambda_function.lambda_handler"
        if bucket and key.endswith((".py", ".zip")) and _HANDLER.fullmatch(handler):
            return Code(bucket, key, handler)
        raise InvalidArgument(
            f"LambdaArn {value} must name a .py or .zip object, optionally with #module.function."
        )
    raise InvalidArgument(
        f"LambdaArn {value} is not implemented: there is no Lambda service. Give "
        "s3://bucket/key.py, s3://bucket/key.zip#module.function, or an http or https URL that "
        "answers Firehose's transformation events."
    )


def function_at(needs: Needs, delivery: Delivery, address: str, role_arn: str | None) -> Function:
    """The function at an address that `parse_address` has accepted."""
    where = parse_address(address)
    if isinstance(where, str):
        return RemoteFunction(needs, where)
    return PythonFunction(needs, delivery, address, where, role_arn)


class PythonFunction:
    """Python code in S3, run in a confined process that is kept warm between events."""

    def __init__(
        self, needs: Needs, delivery: Delivery, name: str, code: Code, role_arn: str | None
    ) -> None:
        self._needs = needs
        self._delivery = delivery
        self._code = code
        self._role_arn = role_arn
        self._etag: str | None = None
        self._checked_ms = 0
        self._file = "lambda_function.py" if code.key.endswith(".py") else "code.zip"
        memory_mb = FUNCTION_MEMORY_BYTES >> 20
        self.worker = confined.Worker(
            confined.place_of(needs),
            confined.Program(
                _WORKER,
                (f"in/{self._file}", code.handler, name, str(memory_mb), str(FUNCTION_SECONDS_MAX)),
                FUNCTION_MEMORY_BYTES,
            ),
            self._prepare,
        )

    async def invoke(self, event: bytes) -> bytes:
        try:
            await self._follow()
            return await self.worker.ask(event, FUNCTION_SECONDS_MAX)
        except confined.WorkerFault as fault:
            raise InvocationFailed(FUNCTION_ERROR, f"{FUNCTION_ERROR_TEXT} {fault}") from None
        except confined.WorkerEnded as ended:
            raise InvocationFailed(FUNCTION_ERROR, f"{FUNCTION_ERROR_TEXT} {ended}") from None
        except confined.WorkerTimedOut as late:
            raise InvocationFailed(
                TIMED_OUT, f"The Lambda function invocation timed out. {late}"
            ) from None

    async def close(self) -> None:
        await self.worker.close()

    async def _follow(self) -> None:
        """End the worker when there is newer code than it runs."""
        now_ms = self._needs.clock.now_ms()
        if self._etag is None or now_ms < self._checked_ms + CODE_FRESH_MS:
            return
        self._checked_ms = now_ms
        if await self._fetch(self._etag) is not None:
            await self.worker.end()

    async def _prepare(self, folder: Path) -> None:
        code = await self._fetch(None)
        assert code is not None
        (folder / self._file).write_bytes(code)
        self._checked_ms = self._needs.clock.now_ms()

    async def _fetch(self, known: str | None) -> bytes | None:
        """The code; None if it still is the one whose ETag is `known`."""
        call = self._delivery.call_as(self._role_arn)
        where = {"Bucket": self._code.bucket, "Key": self._code.key}
        if known is not None:
            where["IfNoneMatch"] = known
        try:
            answer = await self._needs.call_aws(call, "s3", "GetObject", **where)
        except ServiceError as error:
            if error.code == "NotModified":
                return None
            if error.code in {"NoSuchKey", "NoSuchBucket"}:
                raise InvocationFailed(
                    "Lambda.ResourceNotFound",
                    "The specified Lambda function does not exist. "
                    f"s3://{self._code.bucket}/{self._code.key}: {error.message}",
                ) from None
            raise InvocationFailed("Lambda.InvokeAccessDenied", error.message) from None
        try:
            code = await gather(answer["Body"], CODE_SIZE_BYTES_MAX)
        except ValueError:
            raise InvocationFailed(
                FUNCTION_ERROR, f"The code is larger than {CODE_SIZE_BYTES_MAX} bytes."
            ) from None
        self._etag = answer.get("ETag")
        return code


class RemoteFunction:
    """An address that takes the event by POST and answers with the records."""

    def __init__(self, needs: Needs, url: str) -> None:
        self._needs = needs
        self._url = url

    async def invoke(self, event: bytes) -> bytes:
        try:
            reply = await self._needs.outgoing.send(
                "POST",
                self._url,
                headers={"content-type": "application/json", "accept": "application/json"},
                body=event,
                seconds_max=REMOTE_SECONDS_MAX,
                reply_size_bytes_max=PAYLOAD_SIZE_BYTES_MAX + 1,
            )
        except Unreachable as error:
            raise InvocationFailed("Lambda.TargetServerFailedToRespond", str(error)) from None
        if reply.status != 200:
            told = reply.body[:500].decode(errors="replace")
            raise InvocationFailed(
                FUNCTION_ERROR, f"{FUNCTION_ERROR_TEXT} Status {reply.status}: {told}"
            )
        return reply.body

    async def close(self) -> None:
        """There is nothing to let go of."""
