"""What tags may be: how many, of which characters.

Source: Kinesis API reference, Tag, AddTagsToStream, TagResource; Developer Guide, Tag restrictions.
"""

import re
from collections.abc import Iterable, Mapping

TAGS_MAX = 50

_ALLOWED = re.compile(r"(?:[^\W]|[\s_.:/=+\-@%])*\Z")
_RESERVED = "aws:"


class BadTags(ValueError):
    """Tags that are not allowed; the text says why."""


def add(tags: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """`tags` with `more`, which win.

    Raises:
        BadTags: too many, or not of the characters that are allowed.
    """
    check(more)
    together = {**tags, **more}
    if len(together) > TAGS_MAX:
        raise BadTags(f"a given resource cannot have more than {TAGS_MAX} tags associated with it.")
    return together


def check(tags: Mapping[str, str]) -> None:
    """New tags are allowed.

    Raises:
        BadTags: they are not.
    """
    if len(tags) > TAGS_MAX:
        raise BadTags(f"a given resource cannot have more than {TAGS_MAX} tags associated with it.")
    for text in (*tags, *tags.values()):
        if not _ALLOWED.match(text):
            raise BadTags(
                "some tags contained illegal characters. The allowed characters are Unicode "
                "letters, digits, white-spaces, '_', '.', ':', '/', '=', '+', '-', '%', '@'."
            )
    check_keys(tags)


def check_keys(keys: Iterable[str]) -> None:
    """Keys that a user may add and remove.

    Raises:
        BadTags: one begins with what AWS reserves.
    """
    if any(key.lower().startswith(_RESERVED) for key in keys):
        raise BadTags(f"tag keys that begin with {_RESERVED} are reserved for AWS.")


def remove(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """`tags` without those keys; unknown ones are no error."""
    gone = frozenset(keys)
    return {key: value for key, value in tags.items() if key not in gone}
