"""What most operations begin with: which delivery stream."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.firehose import store
from millpond.services.firehose.errors import InvalidArgument, ResourceNotFound
from millpond.services.firehose.model.stream import DeliveryStream

TAGS_MAX = 50


def not_found(call: Call, name: str) -> ResourceNotFound:
    return ResourceNotFound(f"Firehose {name} under account {call.account} not found.")


async def require_stream(transaction: Transaction, call: Call, name: str) -> DeliveryStream:
    """The delivery stream.

    Raises:
        ResourceNotFound: there is none of that name.
    """
    stream = await store.load_stream(transaction, call, name)
    if stream is None:
        raise not_found(call, name)
    return stream


def check_tag_count(tags: dict[str, str]) -> None:
    """Raises: InvalidArgument: there are more than a delivery stream may have."""
    if len(tags) > TAGS_MAX:
        raise InvalidArgument(f"A delivery stream cannot have more than {TAGS_MAX} tags.")
