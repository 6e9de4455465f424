"""Ranges, parts of copies, and parts of objects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.s3.errors import InvalidArgument, InvalidPartNumber, InvalidRange
from millpond.services.s3.model.ranges import Span, read_copy_range, read_range, span_of_part

sizes = st.integers(0, 50)
numbers = st.integers(0, 60)


@given(size=sizes, first=numbers, last=numbers)
def test_a_range_has_the_bytes_that_a_slice_has(size: int, first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    data = bytes(range(size))
    if last < first:
        assert read_range(header, size) is None
    elif first >= size:
        with pytest.raises(InvalidRange):
            read_range(header, size)
    else:
        span = read_range(header, size)
        assert span is not None
        assert data[span.start : span.start + span.length] == data[first : last + 1]
        assert span.content_range(size) == f"bytes {first}-{min(last, size - 1)}/{size}"


@given(size=sizes, count=numbers)
def test_a_suffix_has_the_last_bytes(size: int, count: int) -> None:
    if count == 0 or size == 0:
        with pytest.raises(InvalidRange):
            read_range(f"bytes=-{count}", size)
        return
    span = read_range(f"bytes=-{count}", size)
    assert span == Span(max(0, size - count), min(count, size))


def test_an_open_range_goes_to_the_end() -> None:
    assert read_range("bytes=3-", 10) == Span(3, 7)
    assert read_range("Bytes= 3 - 4 ", 10) == Span(3, 2)


@pytest.mark.parametrize(
    "header",
    ["bytes=0-1,3-4", "bytes=-", "bytes=a-b", "items=0-1", "bytes 0-1", "", "bytes=5-2", "bytes=1"],
)
def test_several_ranges_or_a_malformed_one_mean_the_whole_object(header: str) -> None:
    assert read_range(header, 10) is None


def test_a_refused_range_tells_the_size() -> None:
    with pytest.raises(InvalidRange) as refusal:
        read_range("bytes=10-", 10)
    assert refusal.value.members == {"RangeRequested": "bytes=10-", "ActualObjectSize": "10"}
    assert refusal.value.status == 416


@given(size=sizes, first=numbers, last=numbers)
def test_all_bytes_of_a_copied_range_are_there(size: int, first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    if first <= last < size:
        assert read_copy_range(header, size) == Span(first, last - first + 1)
    else:
        with pytest.raises(InvalidArgument):
            read_copy_range(header, size)


@pytest.mark.parametrize("header", ["bytes=3-", "bytes=-3", "0-1", "bytes=0-1,2-3"])
def test_a_copied_range_has_both_ends(header: str) -> None:
    with pytest.raises(InvalidArgument):
        read_copy_range(header, 10)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_parts_follow_one_another(sizes: list[int]) -> None:
    spans = [span_of_part(position, sizes) for position in range(1, len(sizes) + 1)]
    assert [span.length for span in spans] == sizes
    assert [span.start for span in spans] == [sum(sizes[:i]) for i in range(len(sizes))]
    with pytest.raises(InvalidPartNumber):
        span_of_part(len(sizes) + 1, sizes)
