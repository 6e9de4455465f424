"""The few calls of S3 that tables of files need."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from millpond.engines.streams.connectors.aws import Aws
from millpond.engines.streams.connectors.files import StoredFile
from millpond.engines.streams.connectors.interface import Credentials

_SPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_BLOCK_SIZE_BYTES = 1 << 20


class S3:
    """Objects of the run's endpoint. Every call raises AwsError."""

    def __init__(self, credentials: Credentials) -> None:
        self._aws = Aws(credentials)

    async def has_bucket(self, bucket: str) -> bool:
        answer = await self._aws.request("s3", "HEAD", f"/{bucket}", accepted=(404,))
        return answer.status != 404

    async def list(self, bucket: str, prefix: str) -> AsyncIterator[StoredFile]:
        """The objects whose keys begin with `prefix`, by name."""
        token = ""
        while True:
            query = [("encoding-type", "url"), ("list-type", "2"), ("prefix", prefix)]
            if token:
                query.append(("continuation-token", token))
            answer = await self._aws.request("s3", "GET", f"/{bucket}", query=query)
            page = ElementTree.fromstring(answer.body)  # noqa: S314 - from our own endpoint
            for found in page.iter(f"{_SPACE}Contents"):
                modified = datetime.fromisoformat(found.findtext(f"{_SPACE}LastModified", ""))
                yield StoredFile(
                    bucket,
                    unquote_plus(found.findtext(f"{_SPACE}Key", "")),
                    int(found.findtext(f"{_SPACE}Size", "0")),
                    round(modified.timestamp() * 1_000),
                )
            token = page.findtext(f"{_SPACE}NextContinuationToken", "")
            if not token:
                return

    async def get_file(self, bucket: str, key: str, local: Path) -> bool:
        """Bring an object to this machine; False if there is none."""
        async with self._aws.opened("s3", "GET", f"/{bucket}/{key}", accepted=(404,)) as response:
            if response.status == 404:
                return False
            with local.open("wb") as file:
                async for block in response.content.iter_chunked(_BLOCK_SIZE_BYTES):
                    file.write(block)
        return True

    async def put_file(self, bucket: str, key: str, local: Path) -> None:
        body = local if local.stat().st_size else b""
        await self._aws.request("s3", "PUT", f"/{bucket}/{key}", body=body)

    async def put(self, bucket: str, key: str, body: bytes) -> None:
        await self._aws.request("s3", "PUT", f"/{bucket}/{key}", body=body)

    async def close(self) -> None:
        await self._aws.close()
