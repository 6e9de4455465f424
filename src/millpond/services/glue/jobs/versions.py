"""Versions of Glue: recorded, told to scripts, and what depends on them.

Source: Glue developer guide, "AWS Glue versions"; Glue API reference, CreateJob.
"""

from millpond.services.glue.errors import InvalidInput

DEFAULT = "5.1"
VERSIONS = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1")


def check_version(version: str) -> str:
    """The version.

    Raises:
        InvalidInput: there is no such version.
    """
    if version not in VERSIONS:
        raise InvalidInput(
            f"Glue version {version} is not supported. The versions are {', '.join(VERSIONS)}."
        )
    return version


def is_at_least(version: str, other: str) -> bool:
    return VERSIONS.index(version) >= VERSIONS.index(other)
