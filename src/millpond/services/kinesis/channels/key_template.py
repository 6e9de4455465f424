"""Output key templates: the keys of objects with delivered records.

Source: Kinesis Data Streams Developer Guide, "S3 output key template for Amazon S3 delivery". It
says that a unique suffix is appended, not where: here it stands before the extension, so that the
key still ends as the template says.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from millpond.services.kinesis.channels.channel import Compression

DEFAULT = (
    "kinesis-channel/!{channel-name}/!{channel-id}/!{yyyy}/!{MM}/!{dd}/!{HH}/"
    "!{channel-name}-!{channel-id}-!{yyyy}-!{MM}-!{dd}-!{HH}-!{mm}!{extension}"
)
KEY_LENGTH_MAX = 1024
SUFFIX_LENGTH_MAX = 38
EXTENSIONS: Mapping[Compression, str] = {"NONE": "", "GZIP": ".gz", "ZSTD": ".zst"}

_TIMES = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M"}
_NAMES = frozenset(("channel-name", "channel-id", "stream-name", *_TIMES))
_VARIABLE = re.compile(r"!\{([^{}]*)\}")
_EXTENSION = re.compile(r"!\{extension(?::(\.[a-z.]*))?\}\Z")
_LITERAL = re.compile(r"[0-9A-Za-z!\-_'.*()/=]*\Z")
_SAMPLE_MS = 0


class BadTemplate(ValueError):
    """A template that breaks a rule; the text says which."""


def names_of(channel_name: str, channel_id: str, stream_name: str) -> dict[str, str]:
    """What the variables that are names stand for."""
    return {
        "channel-name": channel_name,
        "channel-id": channel_id,
        "stream-name": stream_name,
    }


def check(template: str, compression: Compression, names: Mapping[str, str]) -> None:
    """The template keeps all rules for a channel of these names.

    Raises:
        BadTemplate: it breaks one.
    """
    body = _EXTENSION.sub("", template)
    if body == template and compression != "NONE":
        raise BadTemplate(
            "it must end with an extension placeholder, !{extension} or !{extension:.literal}, "
            f"when CompressionType is {compression}."
        )
    for name in _VARIABLE.findall(body):
        if name == "extension" or name.startswith("extension:"):
            raise BadTemplate(
                "an extension placeholder must appear once, at the end, and a literal extension "
                "must begin with a period and have only lowercase letters and periods."
            )
        if name not in _NAMES:
            raise BadTemplate(f"!{{{name}}} is not a supported variable.")
    literal = _VARIABLE.sub("", body)
    if "!{" in literal:
        raise BadTemplate("a variable placeholder is not closed.")
    if not _LITERAL.match(literal):
        raise BadTemplate(
            "only alphanumeric characters and ! - _ ' . * ( ) / = are allowed outside of variables."
        )
    _check_key(expand(template, compression, names, _SAMPLE_MS, ""))


def _check_key(key: str) -> None:
    if key.startswith("/"):
        raise BadTemplate("it must not start with a forward slash.")
    if "//" in key:
        raise BadTemplate("it must not contain consecutive slashes.")
    if ".." in key or "." in key.split("/"):
        raise BadTemplate("it must not contain path traversal.")
    if len(key) > KEY_LENGTH_MAX - SUFFIX_LENGTH_MAX:
        raise BadTemplate(
            f"the expanded key has {len(key)} characters, more than "
            f"{KEY_LENGTH_MAX - SUFFIX_LENGTH_MAX}."
        )


def expand(
    template: str, compression: Compression, names: Mapping[str, str], time_ms: int, suffix: str
) -> str:
    """An object's key. `names` has channel-name, channel-id and stream-name; times are UTC."""
    time = datetime.fromtimestamp(time_ms / 1000, UTC)
    found = _EXTENSION.search(template)
    body = template if found is None else template[: found.start()]

    def value(variable: re.Match[str]) -> str:
        name = variable[1]
        return time.strftime(_TIMES[name]) if name in _TIMES else names[name]

    extension = "" if found is None else found[1] or EXTENSIONS[compression]
    return _VARIABLE.sub(value, body) + suffix + extension
