"""An application's code: where its bytes come from, and the program that the engine is given.

Code is read when a version is made and kept with it: an object of S3 that changes later changes no
version, as on AWS. For a check or a run it is unpacked into a folder, with the application's
properties beside it.
"""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millpond.engines.streams.interface import Access, CannotStart, Checked, Program, Refused
from millpond.kernel.body import gather
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError, Unavailable
from millpond.services.kinesisanalyticsv2.errors import (
    CodeValidation,
    InvalidArgument,
    UnsupportedOperation,
)
from millpond.services.kinesisanalyticsv2.model.application import Code, Version
from millpond.services.kinesisanalyticsv2.model.code_text import read_text
from millpond.services.kinesisanalyticsv2.model.properties import (
    FILE_NAME,
    RUN_OPTIONS_GROUP,
    SETTINGS_GROUP,
    properties_file,
    properties_of,
)
from millpond.services.kinesisanalyticsv2.model.tables import given_tables
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.role import ACTIONS, SESSION, role_call, role_name
from millpond.services.kinesisanalyticsv2.store import digest_of

CHECKS_FOLDER = "checks"
CODE_SIZE_BYTES_MAX = 50 << 20
TEXT_SIZE_BYTES_MAX = 100 << 10
_CHECK_SECONDS = 900
"""How long the credentials of a check last."""
_PROPERTIES = "EnvironmentPropertyDescriptions"


@dataclass(frozen=True, slots=True)
class Given:
    """Code and what it came as."""

    code: Code
    data: bytes


async def read_code(
    needs: Needs,
    call: Call,
    role: str,
    content_type: str,
    content: Mapping[str, Any],
) -> Given:
    """The code of a CodeContent.

    Raises:
        InvalidArgument: it is given in no way or several, or the object cannot be read.
    """
    ways = [
        name
        for name in ("TextContent", "ZipFileContent", "S3ContentLocation")
        if content.get(name) is not None
    ]
    if len(ways) != 1:
        raise InvalidArgument(
            "CodeContent must have exactly one of TextContent, ZipFileContent and "
            "S3ContentLocation."
        )
    zipped = content_type == "ZIPFILE"
    way = ways[0]
    if way == "S3ContentLocation":
        return await _read_object(needs, call, role, zipped, content[way])
    if zipped != (way == "ZipFileContent"):
        raise InvalidArgument(f"{way} is not for CodeContentType {content_type}.")
    data = content[way] if zipped else content[way].encode()
    return Given(_code(data, zipped=zipped), data)


def _code(data: bytes, *, zipped: bool, **place: Any) -> Code:
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Code(digest=digest_of(data), md5=md5, size_bytes=len(data), zipped=zipped, **place)


async def _read_object(
    needs: Needs, call: Call, role: str, zipped: bool, place: Mapping[str, Any]
) -> Given:
    bucket, key = place["BucketARN"].rpartition(":")[2], place["FileKey"]
    version = place.get("ObjectVersion") or None
    members = {"VersionId": version} if version else {}
    try:
        answer = await needs.call_aws(
            role_call(needs, call, role), "s3", "GetObject", Bucket=bucket, Key=key, **members
        )
    except ServiceError as error:
        raise InvalidArgument(
            f"Unable to get the object {key} of the bucket {bucket}: {error.code}: {error.message}"
        ) from error
    try:
        data = await gather(answer["Body"], CODE_SIZE_BYTES_MAX)
    except ValueError as error:
        raise InvalidArgument(
            f"The application code is larger than {CODE_SIZE_BYTES_MAX >> 20} MiB: {key}."
        ) from error
    code = _code(
        data,
        zipped=zipped,
        bucket_arn=place["BucketARN"],
        key=key,
        object_version=version,
    )
    return Given(code, data)


def build_program(
    version: Version, data: bytes, folder: Path, positions: Mapping[str, str], region: str
) -> Program:
    """The program of a version, unpacked into `folder`, which is made anew. Blocks; not for the
    event loop.

    Raises:
        CodeValidation: the code is not what this engine runs.
    """
    assert version.code is not None
    configuration = version.configuration
    properties = configuration.get(_PROPERTIES)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if version.code.zipped:
        from millpond.services.kinesisanalyticsv2.model.archive import (  # noqa: PLC0415
            Archive,  # what reads archives is slow to load, and most platforms never do
        )

        archive = Archive(data)
        named = properties_of(properties, RUN_OPTIONS_GROUP).get("sql")
        sql = archive.read_sql(archive.choose_sql(named))
        archive.unpack(lambda name, chunk: _append(folder / name, chunk))
    else:
        if len(data) > TEXT_SIZE_BYTES_MAX:
            raise CodeValidation(f"The SQL is longer than {TEXT_SIZE_BYTES_MAX} bytes.")
        sql = read_text(data, version.code.key or "The application code")
    (folder / FILE_NAME).write_bytes(properties_file(properties))
    described = configuration.get("SqlApplicationConfigurationDescription", {})
    return Program(
        language="kda" if version.is_sql else "flink",
        sql=sql,
        folder=folder,
        tables=given_tables(described, positions, region) if version.is_sql else (),
        settings=properties_of(properties, SETTINGS_GROUP),
    )


def _append(path: Path, chunk: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(chunk)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise CodeValidation(
            f"{path.name} in the application code is a file and a folder."
        ) from error


async def check_program(needs: Needs, call: Call, version: Version, data: bytes) -> Checked:
    """Have the engine read and plan a version's code.

    Raises:
        CodeValidation: the code is wrong or not for this engine; the text says where and why.
        UnsupportedOperation: there is no engine on this machine.
    """
    folder = needs.folder / CHECKS_FOLDER / needs.ids.uuid()
    try:
        program = await asyncio.to_thread(build_program, version, data, folder, {}, call.region)
        async with _lent(needs, call, version.role) as access:
            return await needs.streams.check(program, access)
    except Refused as error:
        raise CodeValidation(refusal_text(error)) from error
    except CannotStart as error:
        if needs.streams.installed() is None:
            raise UnsupportedOperation(str(error)) from error
        raise Unavailable(str(error)) from error
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def refusal_text(error: Refused) -> str:
    """What is wrong, where, and whether the Flink engine would run it."""
    text = str(error)
    if error.needs_flink and "Flink engine" not in text:
        return f"{text} This needs the Flink engine."
    return text


@asynccontextmanager
async def _lent(needs: Needs, call: Call, role: str) -> AsyncIterator[Access]:
    """Access to AWS for as long as the block lasts."""
    credential = await needs.credentials.issue(
        role=role_name(role),
        session_name=SESSION,
        actions=ACTIONS,
        lifetime_seconds=_CHECK_SECONDS,
    )
    try:
        yield Access(
            endpoint=needs.endpoint(),
            region=call.region,
            access_key_id=credential.access_key_id,
            secret_access_key=credential.secret_access_key,
            session_token=credential.session_token,
        )
    finally:
        await needs.credentials.revoke(credential.access_key_id)
