"""Tags of an application: at most 50, none of AWS's own."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from millpond.services.kinesisanalyticsv2.errors import InvalidArgument, TooManyTags

TAGS_MAX = 50


class GivenTag(Protocol):
    """A tag as a request gives it."""

    key: str
    value: str | None


def merge_tags(tags: Mapping[str, str], given: Iterable[GivenTag]) -> dict[str, str]:
    """Tags with those given over those of the same key.

    Raises:
        TooManyTags: there are more than 50 then.
        InvalidArgument: a key is AWS's.
    """
    merged = dict(tags)
    for tag in given:
        if tag.key.lower().startswith("aws:"):
            raise InvalidArgument(f"The tag key {tag.key} begins with aws:, which is AWS's own.")
        merged[tag.key] = tag.value or ""
    if len(merged) > TAGS_MAX:
        raise TooManyTags(f"An application cannot have more than {TAGS_MAX} tags.")
    return merged
