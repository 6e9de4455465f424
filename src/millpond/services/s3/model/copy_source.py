"""What `x-amz-copy-source` names.

Source: S3 API reference, CopyObject (x-amz-copy-source).
"""

from dataclasses import dataclass
from urllib.parse import unquote

from millpond.services.s3.errors import InvalidArgument, NotImplementedHere
from millpond.services.s3.model.options import check_version


@dataclass(frozen=True, slots=True)
class CopySource:
    bucket: str
    key: str


def read_copy_source(header: str) -> CopySource:
    """The source of a copy: `bucket/key`, percent-encoded, perhaps with `?versionId=`.

    Raises:
        InvalidArgument: it names no bucket and key, or a version that is not there.
        NotImplementedHere: it names an access point.
    """
    path, _, version = header.partition("?versionId=")
    if path.startswith("arn:"):
        raise NotImplementedHere("x-amz-copy-source by ARN")
    check_version(version or None)
    try:
        decoded = unquote(path, errors="strict").removeprefix("/")
    except UnicodeDecodeError:
        decoded = ""
    bucket, _, key = decoded.partition("/")
    if not bucket or not key:
        raise InvalidArgument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            "x-amz-copy-source",
            header,
        )
    return CopySource(bucket, key)
