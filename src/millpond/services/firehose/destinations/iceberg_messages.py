"""What the destination for Iceberg tables and its worker say to each other: msgpack."""

from collections.abc import Sequence

import msgspec


class Catalog(msgspec.Struct, frozen=True):
    """Where the Glue catalog and S3 are, and the credentials for them."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str

    def __repr__(self) -> str:
        return f"Catalog({self.endpoint!r})"


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A record: its place in the batch, what to do with it (`insert`, `update`, `delete`)."""

    place: int
    operation: str
    data: bytes


class Target(msgspec.Struct, frozen=True):
    """Rows for one table, in order. Without `keys` the table's identifier fields are."""

    database: str
    table: str
    keys: Sequence[str]
    rows: Sequence[Row]


class Deliver(msgspec.Struct, frozen=True):
    """Rows of one batch of one delivery stream."""

    batch: str
    stream: str
    catalog: Catalog
    targets: Sequence[Target]


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """A row that is not in its table, and why."""

    place: int
    code: str
    message: str
    is_final: bool


encode = msgspec.msgpack.Encoder().encode
decode_deliver = msgspec.msgpack.Decoder(Deliver).decode
decode_lost = msgspec.msgpack.Decoder(list[Lost]).decode
