"""Tables and their indexes: what is kept of them."""

from typing import Literal

import msgspec

KeyKind = Literal["S", "N", "B"]


class KeySchema(msgspec.Struct, frozen=True, omit_defaults=True):
    """The attributes of a key and their types; an index or table may have no range attribute.

    An empty `hash` puts all entries into one partition: the order of expiry has that.
    """

    hash: str
    hash_kind: KeyKind = "S"
    range: str = ""
    range_kind: KeyKind = "S"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.hash, self.range) if name)

    @property
    def kinds(self) -> tuple[tuple[str, KeyKind], ...]:
        """Each attribute with its type."""
        both = ((self.hash, self.hash_kind), (self.range, self.range_kind))
        return tuple((name, kind) for name, kind in both if name)


class Throughput(msgspec.Struct, frozen=True, omit_defaults=True):
    """Provisioned units, and when (epoch ms) they last went up and down."""

    read: int = 0
    write: int = 0
    increased_ms: int = 0
    decreased_ms: int = 0


class Index(msgspec.Struct, frozen=True, omit_defaults=True):
    """A secondary index. `id` (32 hex digits) is new in each life, and `strict` says that an item
    whose key attributes have the wrong type is refused rather than left out."""

    id: str
    name: str
    schema: KeySchema
    projection: Literal["ALL", "KEYS_ONLY", "INCLUDE"]
    included: tuple[str, ...] = ()
    local: bool = False
    filling: bool = False
    strict: bool = True
    throughput: Throughput = Throughput()


class TimeToLive(msgspec.Struct, frozen=True):
    """Items in the order of `attribute`, which holds the time they expire."""

    attribute: str
    order: Index


class Recovery(msgspec.Struct, frozen=True):
    """The setting of point-in-time recovery."""

    enabled: bool = False
    days: int = 35


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table. `id` is a UUID, new in each life."""

    id: str
    name: str
    schema: KeySchema
    definitions: dict[str, KeyKind]
    created_ms: int
    indexes: tuple[Index, ...] = ()
    billing_mode: Literal["PROVISIONED", "PAY_PER_REQUEST"] = "PROVISIONED"
    on_demand_ms: int = 0
    """When it last became PAY_PER_REQUEST."""
    throughput: Throughput = Throughput()
    table_class: str = ""
    table_class_ms: int = 0
    deletion_protection: bool = False
    tags: dict[str, str] = {}
    time_to_live: TimeToLive | None = None
    recovery: Recovery = Recovery()

    @property
    def maintained(self) -> tuple[Index, ...]:
        """All that follows the items: the indexes, and the order of expiry."""
        if self.time_to_live is None:
            return self.indexes
        return (*self.indexes, self.time_to_live.order)

    def index(self, name: str) -> Index | None:
        """The index of this name; None when there is none."""
        return next((index for index in self.indexes if index.name == name), None)

    def projected(self, index: Index) -> frozenset[str] | None:
        """The attributes that are in entries of `index`; None for all."""
        if index.projection == "ALL":
            return None
        return frozenset((*self.schema.names, *index.schema.names, *index.included))
