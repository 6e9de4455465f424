"""Tells CloudWatch Logs what a service did in the background, for a resource and as its role."""

from collections.abc import Iterable

from millpond.kernel.call import Call, Caller
from millpond.kernel.errors import EngineError, ServiceError


async def put_log_events(
    call_aws: Caller, call: Call, group: str, stream: str, events: Iterable[tuple[int, bytes]]
) -> bool:
    """Put events (epoch ms, UTF-8 text) into a log; its group and stream are made where there are
    none. False: it cannot be done now; trying again later is safe.
    """
    place = {"logGroupName": group, "logStreamName": stream}
    shown = [{"timestamp": time_ms, "message": text.decode()} for time_ms, text in events]
    try:
        try:
            await call_aws(call, "logs", "PutLogEvents", **place, logEvents=shown)
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise
            await _make(call_aws, call, place)
            await call_aws(call, "logs", "PutLogEvents", **place, logEvents=shown)
    except (ServiceError, EngineError):
        return False
    return True


async def _make(call_aws: Caller, call: Call, place: dict[str, str]) -> None:
    group = {"logGroupName": place["logGroupName"]}
    for operation, members in (("CreateLogGroup", group), ("CreateLogStream", place)):
        try:
            await call_aws(call, "logs", operation, **members)
        except ServiceError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
