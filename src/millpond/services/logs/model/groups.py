"""Log groups and their streams. Times are epoch milliseconds.

An id belongs to one life of a thing: a stream that is deleted and made again has another, so that
events of the first one never show in the second.
"""

from collections.abc import Sequence

import msgspec

from millpond.services.logs.errors import InvalidParameter, Protected

DAY_MS = 24 * 3600 * 1000
TAGS_MAX = 50
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    name: str
    created_ms: int
    retention_days: int = 0
    """How long events are kept; 0: for ever."""
    tags: dict[str, str] = {}
    filters: str = ""
    """Which version of its filters the group has (`model/filters`); empty: it has none."""
    metric_filters: int = 0
    deletion_protected: bool = False


class Stream(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`first_ms` and `last_ms` are the times of the earliest and latest event, `stored_bytes` what
    they count for: their messages and 26 bytes each."""

    id: str
    name: str
    created_ms: int
    first_ms: int | None = None
    last_ms: int | None = None
    ingested_ms: int | None = None
    stored_bytes: int = 0

    @property
    def log(self) -> bytes:
        """The name of the log that its events lie in."""
        return b"logs/" + self.id.encode()


def check_retention(days: int) -> None:
    """Refuse a number of days that AWS does not offer.

    Raises:
        InvalidParameter: naming those it does.
    """
    if days not in RETENTION_DAYS:
        offered = ", ".join(map(str, RETENTION_DAYS))
        raise InvalidParameter(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{offered}]"
        )


def expired_before(group: Group, now_ms: int) -> int:
    """Events older than this time are expired; 0 where none are."""
    return now_ms - group.retention_days * DAY_MS if group.retention_days else 0


def check_deletable(group: Group) -> None:
    """Refuse to delete a group, or a stream of it, that is protected.

    Raises:
        Protected: it is.
    """
    if group.deletion_protected:
        raise Protected(
            f"The log group {group.name} has deletion protection enabled. Disable it first."
        )


def has_tag(tags: dict[str, str], key: str, values: Sequence[str]) -> bool:
    """Whether there is a tag with one of some values; without values, with any.

    A value may begin or end with `*`, which stands for any text, and with `!`, which excludes.
    """
    value = tags.get(key)
    if value is None:
        return False
    wanted = [text for text in values if not text.startswith("!")]
    excluded = [text[1:] for text in values if text.startswith("!")]
    if any(_is_like(value, text) for text in excluded):
        return False
    return not wanted or any(_is_like(value, text) for text in wanted)


def _is_like(value: str, pattern: str) -> bool:
    text = pattern.removeprefix("*").removesuffix("*")
    if pattern.startswith("*"):
        return text in value if pattern.endswith("*") else value.endswith(text)
    return value.startswith(text) if pattern.endswith("*") else value == pattern
