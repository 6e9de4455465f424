"""Tags of work groups in records: one record for each work group that has any."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.athena.store.keys import key

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, str]).decode


async def load(transaction: Transaction, scope: Scope, work_group: str) -> dict[str, str]:
    value = await transaction.get(key(scope, "tags", work_group))
    return {} if value is None else _decode(value)


def save(transaction: Transaction, scope: Scope, work_group: str, tags: dict[str, str]) -> None:
    place = key(scope, "tags", work_group)
    if tags:
        transaction.put(place, _encode(tags))
    else:
        transaction.delete(place)
