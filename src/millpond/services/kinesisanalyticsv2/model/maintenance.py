"""The maintenance window: eight hours of each day. Nothing here needs it; it is kept and told.

Source: developer guide, Managed Service for Apache Flink maintenance.
"""

DEFAULT_START = "03:00"
_HOURS = 8


def describe_window(start: str) -> dict[str, str]:
    """ApplicationMaintenanceConfigurationDescription of a window that begins at `start` (UTC)."""
    hour, minute = start.split(":")
    return {
        "ApplicationMaintenanceWindowStartTime": start,
        "ApplicationMaintenanceWindowEndTime": f"{(int(hour) + _HOURS) % 24:02d}:{minute}",
    }
