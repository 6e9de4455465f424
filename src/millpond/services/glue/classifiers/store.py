"""Classifiers in records: by account, region and name."""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.glue import keys
from millpond.services.glue.classifiers.model import Classifier
from millpond.services.glue.keys import record_key

_encode = msgspec.msgpack.Encoder().encode
_CLASSIFIER = msgspec.msgpack.Decoder(Classifier)


async def load_classifier(transaction: Transaction, scope: Scope, name: str) -> Classifier | None:
    value = await transaction.get(record_key(scope, "classifier", name))
    return None if value is None else _CLASSIFIER.decode(value)


def save_classifier(transaction: Transaction, scope: Scope, classifier: Classifier) -> None:
    transaction.put(record_key(scope, "classifier", classifier.name), _encode(classifier))


def delete_classifier(transaction: Transaction, scope: Scope, name: str) -> None:
    transaction.delete(record_key(scope, "classifier", name))


async def scan_classifiers(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[Classifier]:
    """Classifiers by name, those after `after`."""
    prefix = record_key(scope, "classifier")
    start = end_of(prefix + keys.join(after)) if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _CLASSIFIER.decode(value)
