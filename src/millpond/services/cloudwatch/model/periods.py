"""How long samples are kept and how finely; which are seen through a period. Times are seconds.

Source: CloudWatch user guide, "Metrics retention"; API reference, GetMetricData.
"""

HOUR = 3600
DAY = 24 * HOUR

RESOLUTIONS = (1, 60, 300, 3600)
"""The stretches of time that samples are summed up by."""
KEPT_SECONDS = {1: 3 * HOUR, 60: 15 * DAY, 300: 63 * DAY, 3600: 455 * DAY}
"""How long samples of a resolution are kept before they go on to the next one, or go."""
ROLLED_UP_TO: dict[int, int | None] = {1: None, 60: 300, 300: 3600, 3600: None}
"""Where samples go when they become too old. Seconds are part of their minute from the start."""

HIGH_RESOLUTION_PERIODS = (1, 5, 10, 20, 30)


def is_period(period: int) -> bool:
    """Whether samples can be asked for by this many seconds."""
    return period in HIGH_RESOLUTION_PERIODS or (period > 0 and period % 60 == 0)


def read_resolutions(period: int) -> tuple[int, ...]:
    """The resolutions that stretches of `period` are made of.

    Seconds are in their minutes too: a period of minutes reads them there.
    """
    if period < 60:
        return (1,)
    return tuple(size for size in RESOLUTIONS[1:] if period % size == 0)


def visible_from(period: int, now: int) -> int:
    """What is older cannot be seen through this period."""
    return now - max(KEPT_SECONDS[resolution] for resolution in read_resolutions(period))


def round_start(start: float, period: int, now: int) -> int:
    """Where the first stretch begins: older beginnings are rounded more."""
    if period < 60:
        grain = period
    elif now - start < KEPT_SECONDS[60]:
        grain = 60
    elif now - start < KEPT_SECONDS[300]:
        grain = 300
    else:
        grain = HOUR
    return int(start // grain) * grain
