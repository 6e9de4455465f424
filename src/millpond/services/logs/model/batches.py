"""The rules for one PutLogEvents.

Source: CloudWatch Logs API reference, PutLogEvents.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from millpond.services.logs.errors import InvalidParameter
from millpond.services.logs.model.groups import DAY_MS
from millpond.services.logs.shapes import InputLogEvent, RejectedLogEventsInfo

BATCH_SIZE_BYTES_MAX = 1_048_576
EVENT_SIZE_BYTES_MAX = 1_048_576
EVENT_OVERHEAD_BYTES = 26
"""What an event counts for besides its message."""
PAST_MS_MAX = 14 * DAY_MS
FUTURE_MS_MAX = 2 * 3600 * 1000


class Accepted(NamedTuple):
    """The events that are taken: times and messages, and why the others are not."""

    events: list[tuple[int, bytes]]
    rejected: RejectedLogEventsInfo | None


def accept(events: Sequence[InputLogEvent], expired_before_ms: int, now_ms: int) -> Accepted:
    """The events of a batch that are neither too old, nor expired, nor too new.

    Raises:
        InvalidParameter: the batch or an event is too large, the order is not that of time, or the
            events that are taken span more than 24 hours.
    """
    read = [(event.timestamp, event.message.encode()) for event in events]
    _check_sizes([len(message) + EVENT_OVERHEAD_BYTES for _, message in read])
    times = [time_ms for time_ms, _ in read]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise InvalidParameter(
            "Log events in a single PutLogEvents request must be in chronological order."
        )
    too_old = sum(time_ms < now_ms - PAST_MS_MAX for time_ms in times)
    expired = sum(time_ms < expired_before_ms for time_ms in times)
    too_new = sum(time_ms > now_ms + FUTURE_MS_MAX for time_ms in times)
    taken = read[max(too_old, expired) : len(read) - too_new]
    if taken and taken[-1][0] - taken[0][0] > DAY_MS:
        raise InvalidParameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 "
            "hours."
        )
    if len(taken) == len(read):
        return Accepted(taken, None)
    rejected = RejectedLogEventsInfo(
        too_old_log_event_end_index=too_old or None,
        expired_log_event_end_index=expired if expired > too_old else None,
        too_new_log_event_start_index=len(read) - too_new if too_new else None,
    )
    return Accepted(taken, rejected)


def _check_sizes(sizes: Sequence[int]) -> None:
    largest = max(sizes)
    if largest > EVENT_SIZE_BYTES_MAX:
        raise InvalidParameter(
            f"Log event too large: {largest} bytes exceeds limit of {EVENT_SIZE_BYTES_MAX}"
        )
    if sum(sizes) > BATCH_SIZE_BYTES_MAX:
        raise InvalidParameter(
            f"Upload too large: {sum(sizes)} bytes exceeds limit of {BATCH_SIZE_BYTES_MAX}"
        )
