"""StartLiveTail: events of log groups, shown as they come in."""

from collections.abc import AsyncIterator

from millpond.kernel.call import Call
from millpond.services.logs import shapes
from millpond.services.logs.errors import InvalidParameter, LimitExceeded, SessionTimeout
from millpond.services.logs.ingestion.tails import Seen, Tail
from millpond.services.logs.model.filters import read_pattern
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import name_in, require_group

SESSION_MS_MAX = 3 * 3600 * 1000
SESSIONS_MAX = 15
"""Sessions of an account at once."""
UPDATE_SECONDS = 1.0


async def start_live_tail(
    needs: Needs, call: Call, request: shapes.StartLiveTailRequest
) -> shapes.StartLiveTailResponse:
    """Show the events that come into some groups, once a second, for up to three hours.

    Raises:
        InvalidParameter: a group is not named by its ARN, streams are named for several groups or
            in two ways, or the pattern cannot be read.
        LimitExceeded: the account has 15 sessions.

    Source: CloudWatch Logs API reference, StartLiveTail.
    """
    names, prefixes = request.log_stream_names, request.log_stream_name_prefixes
    if names and prefixes:
        raise InvalidParameter(
            "logStreamNames and logStreamNamePrefixes cannot be specified together."
        )
    if (names or prefixes) and len(request.log_group_identifiers) > 1:
        raise InvalidParameter(
            "logStreamNames and logStreamNamePrefixes can be specified for one log group only."
        )
    pattern = read_pattern(request.log_event_filter_pattern or "")
    groups: dict[str, str] = {}
    async with needs.records.transaction() as transaction:
        for identifier in request.log_group_identifiers:
            if not identifier.startswith("arn:"):
                raise InvalidParameter(f"{identifier} is not the ARN of a log group.")
            group = await require_group(transaction, call, name_in(call, identifier))
            groups[group.id] = f"{call.account}:{group.name}"
    if sum(account == call.account for account in needs.live.tails.values()) >= SESSIONS_MAX:
        raise LimitExceeded(f"An account can have at most {SESSIONS_MAX} live tails at once.")
    tail = Tail(groups, pattern, frozenset(names or ()), tuple(prefixes or ()))
    return shapes.StartLiveTailResponse(response_stream=_session(needs, call, request, tail))


async def _session(
    needs: Needs, call: Call, request: shapes.StartLiveTailRequest, tail: Tail
) -> AsyncIterator[shapes.LiveTailSessionStart | shapes.LiveTailSessionUpdate]:
    """The session's events.

    Raises:
        SessionTimeout: it was open for three hours.
    """
    needs.live.tails[tail] = call.account
    try:
        ends_ms = needs.clock.now_ms() + SESSION_MS_MAX
        yield shapes.LiveTailSessionStart(
            request_id=call.request_id,
            session_id=needs.ids.uuid(),
            log_group_identifiers=request.log_group_identifiers,
            log_stream_names=request.log_stream_names or [],
            log_stream_name_prefixes=request.log_stream_name_prefixes or [],
            log_event_filter_pattern=request.log_event_filter_pattern or "",
        )
        while needs.clock.now_ms() < ends_ms:
            await needs.clock.sleep(UPDATE_SECONDS)
            seen, sampled = tail.take()
            yield shapes.LiveTailSessionUpdate(
                session_metadata=shapes.LiveTailSessionMetadata(sampled=sampled),
                session_results=[_show(event) for event in seen],
            )
        raise SessionTimeout("The session was open for three hours and has ended.")
    finally:
        needs.live.tails.pop(tail, None)


def _show(event: Seen) -> shapes.LiveTailSessionLogEvent:
    return shapes.LiveTailSessionLogEvent(
        log_stream_name=event.stream,
        log_group_identifier=event.group,
        message=event.message.decode(),
        timestamp=event.time_ms,
        ingestion_time=event.ingested_ms,
    )
