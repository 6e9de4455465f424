"""KPL aggregates: opened as the library wrote them, and never a crash on anything else."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from millpond.services.firehose.transform.kpl import MAGIC, UserRecord, deaggregate


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def seal(message: bytes) -> bytes:
    return MAGIC + message + hashlib.md5(message).digest()


def aggregate(records: list[UserRecord]) -> bytes:
    """As the KPL writes it: each key once in a table, hash keys and tags beside it."""
    keys = list(dict.fromkeys(record.partition_key for record in records))
    message = b"".join(field(1, key.encode()) for key in keys) + field(2, b"170141183460469")
    for record in records:
        index = varint(1 << 3) + varint(keys.index(record.partition_key))
        hash_index = varint(2 << 3) + varint(0)
        tag = field(4, field(1, b"name") + field(2, b"value"))
        message += field(3, index + hash_index + field(3, record.data) + tag)
    return seal(message)


user_records = st.lists(
    st.builds(UserRecord, st.text(min_size=1, max_size=20), st.binary(max_size=200)), max_size=20
)


@given(user_records)
def test_what_was_aggregated_comes_out_in_order(records: list[UserRecord]) -> None:
    assert deaggregate(aggregate(records)) == records


@given(st.binary(max_size=300))
def test_any_bytes_under_a_right_digest_are_opened_or_left_alone(message: bytes) -> None:
    found = deaggregate(seal(message))
    assert found is None or all(isinstance(one, UserRecord) for one in found)


@given(user_records, st.data())
def test_a_changed_byte_is_noticed(records: list[UserRecord], data: st.DataObject) -> None:
    whole = bytearray(aggregate(records))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    assert deaggregate(bytes(whole)) is None


def test_plain_records_are_no_aggregates() -> None:
    assert deaggregate(b"") is None
    assert deaggregate(b'{"a": 1}') is None
    assert deaggregate(MAGIC) is None


def test_a_key_that_is_not_in_the_table_makes_it_no_aggregate() -> None:
    record = varint(1 << 3) + varint(7) + field(3, b"data")
    assert deaggregate(seal(field(1, b"key") + field(3, record))) is None


def test_fields_of_later_versions_are_passed_over() -> None:
    record = varint(1 << 3) + varint(0) + field(3, b"data")
    later = varint(9 << 3 | 1) + bytes(8) + varint(10 << 3 | 5) + bytes(4) + varint(11 << 3) + b"\1"
    found = deaggregate(seal(later + field(1, b"key") + field(3, record)))
    assert found == [UserRecord("key", b"data")]
