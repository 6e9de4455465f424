"""Upload ids: the time an upload began, and something that nobody can guess.

They sort as S3 lists a key's uploads, by the time they were initiated.
"""

import re

RANDOM_SIZE_BYTES = 24

_UPLOAD_ID = re.compile(r"[0-9a-f]{60}")


def make_upload_id(initiated_ms: int, random: str) -> str:
    """`random` has `2 * RANDOM_SIZE_BYTES` hexadecimal digits."""
    return f"{initiated_ms:012x}{random}"


def is_upload_id(text: str) -> bool:
    return _UPLOAD_ID.fullmatch(text) is not None
