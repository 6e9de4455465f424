"""Listings, compared with a sorted list of keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.engines.records.interface import Records, Transaction
from millpond.services.s3.errors import InvalidArgument, KeyTooLong, NoSuchBucket, NoSuchUpload
from millpond.services.s3.model.stored import Upload
from millpond.services.s3.model.upload_ids import make_upload_id
from millpond.services.s3.store.uploads import save_upload
from millpond.services.s3.store.walk import Page, behind_upload, object_space, upload_space, walk

letters = st.text(st.sampled_from("ab/\x00\x01ü😀~"), max_size=6)
keys = letters.filter(bool)


def expected(names: set[str], prefix: str, delimiter: str, after: str) -> list[tuple[str, bool]]:
    """What S3's documentation says a listing shows: (name, whether it is a common prefix)."""
    shown: list[tuple[str, bool]] = []
    for name in sorted(names, key=str.encode):
        if not name.startswith(prefix) or name.encode() <= after.encode():
            continue
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            shown.append((name, False))
        elif (common := (name[: cut + len(delimiter)], True)) not in shown and common[0] != after:
            shown.append(common)
    return shown


class Counted:
    """Records that count how many entries are looked at."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.seen = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._records.transaction() as transaction:
            yield CountedTransaction(transaction, self)


class CountedTransaction:
    def __init__(self, transaction: Transaction, counted: Counted) -> None:
        self.get = transaction.get
        self._transaction = transaction
        self._counted = counted

    async def scan(self, start: bytes, end: bytes) -> AsyncIterator[tuple[bytes, bytes]]:
        async for entry in self._transaction.scan(start, end):
            self._counted.seen += 1
            yield entry


class Memory:
    """A transaction over a dictionary, for walks."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}

    async def scan(
        self, start: bytes, end: bytes, *, reverse: bool = False
    ) -> AsyncIterator[tuple[bytes, bytes]]:
        for key in sorted(self.values):
            if start <= key < end:
                yield key, self.values[key]

    def put(self, key: bytes, value: bytes) -> None:
        self.values[key] = value


def shown(page: Page) -> list[tuple[str, bool]]:
    return [(key.decode(), value is None) for key, value in page.entries]


@given(
    names=st.sets(keys, max_size=14),
    prefix=letters,
    delimiter=st.sampled_from(["", "/", "a", "ab", "ü"]),
    after=letters,
    limit=st.integers(1, 4),
)
def test_pages_of_objects_show_what_one_listing_would(
    names: set[str], prefix: str, delimiter: str, after: str, limit: int
) -> None:
    space = object_space("box")
    memory = Memory()
    for name in names:
        memory.put(space.under(name.encode()), b"v")
    memory.put(object_space("bow").under(b"z"), b"v")
    memory.put(object_space("box2").under(b"a"), b"v")

    async def pages() -> list[tuple[str, bool]]:
        found: list[tuple[str, bool]] = []
        start = space.behind_listed(after.encode(), prefix.encode(), delimiter.encode())
        if not after:
            start = b""
        while True:
            page = await walk(
                memory,
                space,
                prefix=prefix.encode(),
                delimiter=delimiter.encode(),
                start=start,
                limit=limit,
            )
            found += shown(page)
            assert len(page.entries) == limit or not page.truncated
            if not page.truncated:
                return found
            name, value = page.entries[-1]
            start = space.behind_prefix(name) if value is None else space.behind(name)

    assert asyncio.run(pages()) == expected(names, prefix, delimiter, after)


@given(
    names=st.lists(keys, max_size=10),
    prefix=letters,
    delimiter=st.sampled_from(["", "/", "a"]),
    limit=st.integers(1, 3),
)
def test_pages_of_uploads_show_each_once_by_key_and_time(
    names: list[str], prefix: str, delimiter: str, limit: int
) -> None:
    space = upload_space("box")
    memory = Memory()
    begun: list[tuple[str, str]] = []
    for number, name in enumerate(names):
        upload_id = make_upload_id(number, "0" * 48)
        upload = Upload(
            id=upload_id,
            account="1",
            initiated_ms=number,
            initiator_arn="",
            checksum_algorithm="CRC32",
            checksum_type="COMPOSITE",
        )
        save_upload(memory, "box", name.encode(), upload)
        begun.append((name, upload_id))

    async def pages() -> list[tuple[str, bool]]:
        found: list[tuple[str, bool]] = []
        start = b""
        while True:
            page = await walk(
                memory,
                space,
                prefix=prefix.encode(),
                delimiter=delimiter.encode(),
                start=start,
                limit=limit,
            )
            found += shown(page)
            if not page.truncated:
                return found
            name, value = page.entries[-1]
            if value is None:
                start = space.behind_prefix(name)
            else:
                last = next(key for key, stored in memory.values.items() if stored == value)
                start = behind_upload("box", name, last[-60:].decode())

    wanted = [
        entry
        for entry in expected(set(names), prefix, delimiter, "")
        for _ in range(1 if entry[1] else names.count(entry[0]))
    ]
    assert asyncio.run(pages()) == wanted


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    names=st.sets(keys, max_size=12),
    prefix=letters,
    delimiter=st.sampled_from([None, "/", "a"]),
    limit=st.integers(1, 4),
)
async def test_both_versions_list_the_same_in_pages(
    s3: Any, names: set[str], prefix: str, delimiter: str | None, limit: int
) -> None:
    await s3.make("box")
    for name in await s3.keys("box"):
        await s3("DeleteObject", bucket="box", key=name)
    for name in names:
        await s3.put("box", name, b"")
    wanted = expected(names, prefix, delimiter or "", "")
    asked = {"bucket": "box", "prefix": prefix, "delimiter": delimiter, "max_keys": limit}

    found = []
    token = None
    while True:
        page = await s3("ListObjectsV2", **asked, continuation_token=token)
        assert page.key_count == len(page.contents) + len(page.common_prefixes) <= limit
        assert page.continuation_token == token
        found += _entries(page)
        token = page.next_continuation_token
        assert page.is_truncated == (token is not None)
        if token is None:
            break
    assert found == wanted

    found = []
    marker = None
    while True:
        page = await s3("ListObjects", **asked, marker=marker)
        found += _entries(page)
        if not page.is_truncated:
            assert page.next_marker is None
            break
        assert (page.next_marker is not None) == (delimiter is not None)
        marker = page.next_marker or page.contents[-1].key
    assert found == wanted


def _entries(page: Any) -> list[tuple[str, bool]]:
    entries = [(listed.key, False) for listed in page.contents]
    entries += [(listed.prefix, True) for listed in page.common_prefixes]
    return sorted(entries, key=lambda entry: entry[0].encode())


async def test_a_common_prefix_costs_one_look_however_much_it_stands_for(s3: Any) -> None:
    await s3.make("box")
    for folder in ("a", "b", "c"):
        for number in range(40):
            await s3.put("box", f"{folder}/{number}", b"")
    counted = Counted(s3.needs.records)
    page = await s3.lent(records=counted)("ListObjectsV2", bucket="box", delimiter="/")
    assert [listed.prefix for listed in page.common_prefixes] == ["a/", "b/", "c/"]
    assert counted.seen == 3


async def test_an_entry_says_what_the_object_is(s3: Any) -> None:
    await s3.make("box")
    put = await s3.put("box", "k", b"12345", storage_class="STANDARD_IA")
    listed = (await s3("ListObjectsV2", bucket="box")).contents[0]
    assert (listed.key, listed.size, listed.etag, listed.last_modified) == (
        "k",
        5,
        put.etag,
        1_700_000_000.5,
    )
    assert (listed.storage_class, listed.checksum_algorithm) == ("STANDARD_IA", ["CRC64NVME"])
    assert listed.owner is None
    owned = (await s3("ListObjectsV2", bucket="box", fetch_owner=True)).contents[0]
    older = (await s3("ListObjects", bucket="box")).contents[0]
    assert len(owned.owner.id) == 64
    assert owned.owner == older.owner


async def test_a_listing_repeats_what_was_asked(s3: Any) -> None:
    await s3.make("box")
    page = await s3("ListObjectsV2", bucket="box", start_after="s", max_keys=5000, prefix="")
    assert (page.name, page.prefix, page.max_keys, page.start_after) == ("box", "", 1000, "s")
    assert (page.key_count, page.is_truncated, page.contents) == (0, False, [])
    page = await s3("ListObjects", bucket="box", marker="m", delimiter="/")
    assert (page.prefix, page.marker, page.delimiter) == ("", "m", "/")


async def test_no_keys_asked_no_keys_shown(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "k", b"")
    for operation in ("ListObjects", "ListObjectsV2"):
        page = await s3(operation, bucket="box", max_keys=0)
        assert (page.contents, page.is_truncated) == ([], False)


async def test_a_listing_begins_behind_a_key(s3: Any) -> None:
    await s3.make("box")
    for key in ("a", "b/1", "b/2", "c"):
        await s3.put("box", key, b"")
    assert await s3.keys("box", start_after="a") == ["b/1", "b/2", "c"]
    page = await s3("ListObjectsV2", bucket="box", start_after="b/1", delimiter="/")
    assert [listed.prefix for listed in page.common_prefixes] == ["b/"]
    page = await s3("ListObjects", bucket="box", marker="b/", delimiter="/")
    assert [listed.key for listed in page.contents] == ["c"]
    assert page.common_prefixes == []


async def test_keys_can_be_encoded_for_urls(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "a b/ü+~*", b"")
    await s3.put("box", "a b/\x01/x", b"")
    page = await s3(
        "ListObjectsV2", bucket="box", prefix="a b/", delimiter="/", encoding_type="url"
    )
    assert (page.prefix, page.delimiter, page.encoding_type) == ("a+b/", "/", "url")
    assert page.contents[0].key == "a+b/%C3%BC%2B~*"
    assert page.common_prefixes[0].prefix == "a+b/%01/"
    assert unquote_plus(page.contents[0].key) == "a b/ü+~*"
    with pytest.raises(InvalidArgument):
        await s3("ListObjectsV2", bucket="box", encoding_type="base64")


async def test_what_is_asked_must_make_sense(s3: Any) -> None:
    await s3.make("box", "other")
    for key in ("a", "b"):
        await s3.put("box", key, b"")
    token = (await s3("ListObjectsV2", bucket="box", max_keys=1)).next_continuation_token
    for members in (
        {"max_keys": -1},
        {"continuation_token": "nonsense"},
        {"continuation_token": ""},
        {"optional_object_attributes": ["Size"]},
    ):
        with pytest.raises(InvalidArgument):
            await s3("ListObjectsV2", bucket="box", **members)
    with pytest.raises(InvalidArgument):
        await s3("ListObjectsV2", bucket="other", continuation_token=token)
    await s3("ListObjectsV2", bucket="box", optional_object_attributes=["RestoreStatus"])
    with pytest.raises(NoSuchBucket):
        await s3("ListObjectsV2", bucket="absent")


async def test_what_no_key_can_be_is_too_long_to_list_by(s3: Any) -> None:
    await s3.make("box")
    long = "k" * 1025
    for operation, members in (
        ("ListObjects", {"marker": long}),
        ("ListObjectsV2", {"start_after": long}),
        ("ListObjectsV2", {"prefix": long}),
        ("ListObjectsV2", {"delimiter": long}),
        ("ListMultipartUploads", {"key_marker": long}),
        ("ListMultipartUploads", {"prefix": long}),
    ):
        with pytest.raises(KeyTooLong):
            await s3(operation, bucket="box", **members)


async def test_keys_of_nul_bytes_alone_can_be_listed_by(s3: Any) -> None:
    """Escaped, they are longer than a record's key may be."""
    await s3.make("box")
    nul = "\x00" * 1024
    await s3.put("box", nul)
    assert await s3.keys("box", prefix=nul) == [nul]
    with pytest.raises(KeyTooLong):
        await s3("CreateMultipartUpload", bucket="box", key=nul)
    with pytest.raises(NoSuchUpload):
        await s3("ListParts", bucket="box", key=nul, upload_id="0" * 60)
    for members in ({"prefix": nul}, {"key_marker": nul}):
        page = await s3("ListMultipartUploads", bucket="box", **members)
        assert page.uploads == []
