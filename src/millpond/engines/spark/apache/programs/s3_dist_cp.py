"""s3-dist-cp: copies objects and files between S3 and this machine; a program of ours.

EMR's is a MapReduce job; this one copies with several threads of this process, S3 to S3 without
the bytes passing through it. Options that are not here are refused by their names.

Source: EMR release guide, "S3DistCp (s3-dist-cp)", "S3DistCp options".
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from millpond.engines.spark.apache.programs.dist_cp.grouping import gather
from millpond.engines.spark.apache.programs.dist_cp.places import Found, NotAPlace, Places

_THREADS = 8
_CODECS = ("none", "keep", "gz", "gzip")
_MEBIBYTE = 1 << 20
_WITHOUT_EFFECT = (*("--filesPerMapper", "--multipartUploadChunkSize", "--s3Endpoint", "--tmpDir"),)
"""What tunes EMR's job, and says where S3 is, which is known here."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="s3-dist-cp", allow_abbrev=False)
    parser.add_argument("--src", required=True, help="what to copy: s3://…, file:///…")
    parser.add_argument("--dest", required=True, help="where to")
    parser.add_argument("--srcPattern", help="a regular expression that whole paths must match")
    parser.add_argument("--srcPrefixesFile", help="a file with a prefix below --src on each line")
    parser.add_argument("--groupBy", help="concatenate files for which its groups are the same")
    parser.add_argument("--targetSize", type=int, help="MiB that a concatenated file comes to")
    parser.add_argument("--outputCodec", choices=_CODECS, default="keep")
    parser.add_argument("--deleteOnSuccess", action="store_true")
    parser.add_argument("--storageClass", help="of the objects that are made")
    parser.add_argument("--s3ServerSideEncryption", action="store_true")
    parser.add_argument("--disableMultipartUpload", action="store_true", help=argparse.SUPPRESS)
    for name in _WITHOUT_EFFECT:
        parser.add_argument(name, help=argparse.SUPPRESS)
    return parser


def main() -> NoReturn:
    parser = _parser()
    asked = parser.parse_args(_words(sys.argv[2:]))
    try:
        count = _copy(asked, Places(boto3.client("s3"), _attributes(asked)))
    except (NotAPlace, OSError, re.error, BotoCoreError, ClientError) as error:
        sys.exit(f"s3-dist-cp: Error: {error}")
    print(f"s3-dist-cp: {count} files copied to {asked.dest}", file=sys.stderr)
    sys.exit(0)


def _words(words: Sequence[str]) -> list[str]:
    """The command line, without the properties for Hadoop that may come first."""
    left = list(words)
    while left and left[0].startswith("-D"):
        del left[: 2 if left[0] == "-D" else 1]
    return left


def _attributes(asked: argparse.Namespace) -> dict[str, str]:
    found = {"StorageClass": asked.storageClass} if asked.storageClass else {}
    return found | ({"ServerSideEncryption": "AES256"} if asked.s3ServerSideEncryption else {})


def _copy(asked: argparse.Namespace, places: Places) -> int:
    """Copy what is asked for; how many files were read."""
    found = [
        one
        for source in _sources(asked, places)
        for one in places.find(source)
        if not asked.srcPattern or re.fullmatch(asked.srcPattern, one.path)
    ]
    if not found:
        raise NotAPlace(f"nothing to copy from {asked.src}")
    target_bytes = asked.targetSize * _MEBIBYTE if asked.targetSize else None
    works: list[Callable[[], None]] = []
    copied: list[Found] = []
    for name, some in gather(found, asked.src, asked.groupBy, target_bytes):
        codec = asked.outputCodec
        works.append(lambda n=name, s=some, c=codec: places.write(s, asked.dest, n, c))  # type: ignore[misc]
        copied += some
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()
    if asked.deleteOnSuccess:
        for one in copied:
            places.delete(one)
    return len(copied)


def _sources(asked: argparse.Namespace, places: Places) -> list[str]:
    if not asked.srcPrefixesFile:
        return [asked.src]
    lines = places.read_text(asked.srcPrefixesFile).splitlines()
    base = asked.src.rstrip("/")
    return [
        line if "://" in line else f"{base}/{line.lstrip('/')}"
        for line in map(str.strip, lines)
        if line
    ]


if __name__ == "__main__":
    main()
