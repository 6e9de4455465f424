"""Result files and manifests: put into S3 as the principal that runs the query."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millpond.kernel.body import BytesBody, FileBody
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.athena.failure import BUCKET_NOT_FOUND, S3_PERMISSION, QueryFailed
from millpond.services.athena.needs import Needs

TEXT = "text/plain"
CSV = "text/csv"


def split_location(location: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return bucket, key


@dataclass(frozen=True, slots=True)
class Folder:
    """S3 as a query writes to it. `owner` is the account that must own the result bucket."""

    needs: Needs
    call: Call
    owner: str | None = None

    async def put_file(self, location: str, path: Path, size_bytes: int, kind: str = "") -> None:
        body = FileBody(path, 0, size_bytes) if size_bytes else BytesBody(b"")
        await self._put(location, body, kind)

    async def put_text(self, location: str, text: str, kind: str = TEXT) -> int:
        """Put a small text; its size in bytes."""
        data = text.encode()
        await self._put(location, BytesBody(data), kind)
        return len(data)

    async def is_empty(self, location: str) -> bool:
        """Whether nothing lies below a location."""
        bucket, prefix = split_location(location)
        found = await self._ask("ListObjectsV2", Bucket=bucket, Prefix=prefix, MaxKeys=1)
        return not found.get("Contents")

    async def remove(self, locations: Sequence[str]) -> None:
        """Delete what was put; what is not there is no error.

        Raises:
            ServiceError: S3 refuses.
        """
        for location in locations:
            bucket, key = split_location(location)
            await self.needs.call_aws(self.call, "s3", "DeleteObject", Bucket=bucket, Key=key)

    async def _put(self, location: str, body: Any, kind: str) -> None:
        bucket, key = split_location(location)
        members: dict[str, Any] = {"ContentType": kind} if kind else {}
        if self.owner is not None:
            members["ExpectedBucketOwner"] = self.owner
        await self._ask("PutObject", Bucket=bucket, Key=key, Body=body, **members)

    async def _ask(self, operation: str, **members: Any) -> dict[str, Any]:
        try:
            return await self.needs.call_aws(self.call, "s3", operation, **members)
        except ServiceError as refusal:
            place = f"s3://{members['Bucket']}/{members.get('Key', members.get('Prefix'))}"
            if refusal.code in ("AccessDenied", "AllAccessDisabled"):
                raise QueryFailed(
                    f"Access denied when writing output to url: {place} . Please ensure you are "
                    "allowed to access the S3 bucket.",
                    error_type=S3_PERMISSION,
                ) from refusal
            raise QueryFailed(
                f"HIVE_FILESYSTEM_ERROR: {operation} {place}: {refusal.message}",
                error_type=BUCKET_NOT_FOUND if refusal.code == "NoSuchBucket" else None,
            ) from refusal
