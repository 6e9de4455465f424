"""Keys of items: their rules, and their bytes in the order that DynamoDB gives them.

    item          table id, digest of the partition key, sort key
    index entry   index id, digest of the index's partition key, its sort key, digest of the item's

The digest spreads partitions as DynamoDB's own hash does, and keeps a key of 2,048 bytes within
what records allow. Strings and binaries are written in groups of eight bytes, each followed by a
mark (FF when the group is full and more follows): the order of bytes stays, none begins with
another's, and the length grows by an eighth.

    "ab"  →  61 62 00 00 00 00 00 00 F9
"""

import hashlib
from collections.abc import Mapping

from millpond.services.dynamodb.errors import ValidationError, invalid
from millpond.services.dynamodb.model import numbers
from millpond.services.dynamodb.model.expressions.nodes import KeyCondition
from millpond.services.dynamodb.model.tables import Index, KeyKind, KeySchema, Table
from millpond.services.dynamodb.model.values import Item, Value, check, kind_of

DIGEST_SIZE_BYTES = 16
HASH_KEY_SIZE_BYTES_MAX = 2048
RANGE_KEY_SIZE_BYTES_MAX = 1024

_GROUP = 8
_ONE_PARTITION = bytes(DIGEST_SIZE_BYTES)
_NOT_OF_THE_SCHEMA = "The provided key element does not match the schema"


def digest(value: Value) -> bytes:
    """Where the partition of a key lies."""
    return hashlib.blake2b(_tagged(value), digest_size=DIGEST_SIZE_BYTES).digest()


def _tagged(value: Value) -> bytes:
    if value.s is not None:
        return b"S" + value.s.encode()
    if value.n is not None:
        return b"N" + value.n.encode()
    return b"B" + (value.b or b"")


def order(value: Value) -> bytes:
    """A sort key in order; no one's bytes begin with another's."""
    if value.n is not None:
        return numbers.encode(value.n)
    return order_of_bytes(plain_bytes(value))


def plain_bytes(value: Value) -> bytes:
    """The bytes that a string or binary is ordered by."""
    return (value.b or b"") if value.s is None else value.s.encode()


def order_of_bytes(data: bytes) -> bytes:
    """`data` in groups, as above."""
    whole = len(data) - len(data) % _GROUP
    pieces = [data[place : place + _GROUP] + b"\xff" for place in range(0, whole, _GROUP)]
    rest = data[whole:]
    missing = _GROUP - len(rest)
    pieces.append(rest + bytes(missing) + bytes([0xFF - missing]))
    return b"".join(pieces)


def place_of(schema: KeySchema, item: Mapping[str, Value]) -> bytes:
    """The key of an item below its table, or the beginning of an entry's below its index."""
    partition = digest(item[schema.hash]) if schema.hash else _ONE_PARTITION
    return partition + order(item[schema.range]) if schema.range else partition


def entry_place(table: Table, index: Index, item: Mapping[str, Value]) -> bytes:
    """The key of an item's entry below an index that has it."""
    own = hashlib.blake2b(place_of(table.schema, item), digest_size=DIGEST_SIZE_BYTES).digest()
    return place_of(index.schema, item) + own


def key_of(schema: KeySchema, item: Mapping[str, Value]) -> Item:
    """The key attributes of an item."""
    return {name: item[name] for name in schema.names}


def check_key(schema: KeySchema, key: Mapping[str, Value]) -> None:
    """Refuse a key that is not the table's, and put its values into their one spelling.

    Raises:
        ValidationError: attributes are missing, too many, of another type, empty or too long.
    """
    for value in key.values():
        check(value)
    if len(key) != len(schema.names):
        raise ValidationError(_NOT_OF_THE_SCHEMA)
    for name, kind in schema.kinds:
        if name not in key or kind_of(key[name]) != kind:
            raise ValidationError(_NOT_OF_THE_SCHEMA)
    _check_sizes(schema, key)


def check_item_key(schema: KeySchema, item: Mapping[str, Value]) -> None:
    """Refuse an item (with checked values) whose key is not the table's.

    Raises:
        ValidationError: a key attribute is missing, of another type, empty or too long.
    """
    for name, kind in schema.kinds:
        if name not in item:
            raise invalid(f"Missing the key {name} in the item")
        if (actual := kind_of(item[name])) != kind:
            raise invalid(f"Type mismatch for key {name} expected: {kind} actual: {actual}")
    _check_sizes(schema, item)


def _check_sizes(schema: KeySchema, item: Mapping[str, Value]) -> None:
    for name, kind in schema.kinds:
        if kind != "N" and not plain_bytes(item[name]):
            raise ValidationError(
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty {_WORDS[kind]} value. Key: {name}"
            )
    _check_lengths(schema, item)


def _check_lengths(schema: KeySchema, item: Mapping[str, Value]) -> None:
    if schema.hash and schema.hash_kind != "N":
        size = len(plain_bytes(item[schema.hash]))
        if size > HASH_KEY_SIZE_BYTES_MAX:
            raise invalid("Size of hashkey has exceeded the maximum size limit of2048 bytes")
    if schema.range and schema.range_kind != "N":
        size = len(plain_bytes(item[schema.range]))
        if size > RANGE_KEY_SIZE_BYTES_MAX:
            raise invalid(
                "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
            )


def check_value_sizes(schema: KeySchema, condition: KeyCondition) -> None:
    """Refuse a query for keys that no item can have.

    Raises:
        ValidationError: one is empty or too long.
    """
    asked: dict[str, Value] = {schema.hash: condition.partition}
    if condition.bound is not None:
        asked[schema.range] = condition.bound.first
    for name, value in asked.items():
        if value.n is None and not plain_bytes(value):
            kind = _WORDS[schema.hash_kind if name == schema.hash else schema.range_kind]
            raise ValidationError(
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty {kind} value. Key: {name}"
            )
    if condition.bound is None:
        schema = KeySchema(schema.hash, schema.hash_kind)
    _check_lengths(schema, asked)


def belongs(index: Index, item: Mapping[str, Value]) -> bool:
    """Whether `index` has an entry for `item`: its key attributes are there, of the right type."""
    return all(
        name in item and kind_of(item[name]) == kind for name, kind in index.schema.kinds
    ) and _fits(index.schema, item)


def _fits(schema: KeySchema, item: Mapping[str, Value]) -> bool:
    try:
        _check_sizes(schema, item)
    except ValidationError:
        return False
    return True


def check_index_keys(table: Table, item: Mapping[str, Value]) -> None:
    """Refuse an item whose attributes cannot be keys of the indexes that they are keys of.

    Raises:
        ValidationError: one has another type, is empty or too long.
    """
    for index in table.indexes:
        for name, kind in index.schema.kinds:
            value = item.get(name)
            if value is None:
                break
            if (actual := kind_of(value)) != kind:
                raise invalid(
                    f"Type mismatch for Index Key {name} Expected: {kind} Actual: {actual} "
                    f"IndexName: {index.name}"
                )
            if kind != "N" and not plain_bytes(value):
                raise ValidationError(
                    "One or more parameter values are not valid. A value specified for a secondary "
                    "index key is not supported. The AttributeValue for a key attribute cannot "
                    f"contain an empty {_WORDS[kind]} value. IndexName: {index.name}, "
                    f"IndexKey: {name}"
                )
        else:
            _check_lengths(index.schema, item)


_WORDS: Mapping[KeyKind, str] = {"S": "string", "B": "binary", "N": "number"}
