"""The files of managed tables: dropped with them, as a metastore does."""

import shutil
import urllib.parse
from pathlib import Path
from typing import Any

_S3_SCHEMES = ("s3", "s3a", "s3n")


def delete_below(s3: Any, location: str | None) -> None:
    """Delete what lies at a location, in S3 or on this machine; nothing if there is nothing."""
    parts = urllib.parse.urlsplit(location or "")
    if parts.scheme in _S3_SCHEMES and parts.path.strip("/"):
        _delete_objects(s3, parts.netloc, parts.path.strip("/") + "/")
    elif parts.scheme == "file":
        shutil.rmtree(Path(urllib.parse.unquote(parts.path)), ignore_errors=True)


def _delete_objects(s3: Any, bucket: str, prefix: str) -> None:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        keys = [{"Key": one["Key"]} for one in page.get("Contents", ())]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
