"""What most operations begin with: which group, which stream, which page."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.arn import parse_arn
from millpond.kernel.call import Call
from millpond.kernel.pages import Paging
from millpond.services.logs import store
from millpond.services.logs.errors import InvalidParameter, no_group, no_stream
from millpond.services.logs.model.groups import Group, Stream
from millpond.services.logs.needs import Needs

_GROUP_RESOURCE = "log-group:"


def group_arn(call: Call, name: str) -> str:
    return call.arn("logs", f"{_GROUP_RESOURCE}{name}")


def name_in(call: Call, identifier: str) -> str:
    """The name in a group's identifier, which is a name or an ARN.

    Raises:
        InvalidParameter: it is the ARN of something else.
        ResourceNotFound: it is one of another account or region.
    """
    if not identifier.startswith("arn:"):
        return identifier
    arn = parse_arn(identifier)
    if arn is None or arn.service != "logs" or not arn.resource.startswith(_GROUP_RESOURCE):
        raise InvalidParameter(f"{identifier} is not the ARN of a log group.")
    if (arn.account, arn.region) != (call.account, call.region):
        raise no_group()
    return arn.resource.removeprefix(_GROUP_RESOURCE).removesuffix(":*")


def name_of(call: Call, name: str | None, identifier: str | None) -> str:
    """The group that a request names in one of the two ways.

    Raises:
        InvalidParameter: it does so in both, or in none.
    """
    if (name is None) == (identifier is None):
        raise InvalidParameter(
            "Exactly one of logGroupName and logGroupIdentifier must be specified."
        )
    return name_in(call, name or identifier or "")


async def require_group(transaction: Transaction, call: Call, name: str) -> Group:
    """The group.

    Raises:
        ResourceNotFound: there is none of that name.
    """
    group = await store.load_group(transaction, call, name)
    if group is None:
        raise no_group()
    return group


async def require_stream(
    transaction: Transaction, call: Call, group_name: str, name: str
) -> tuple[Group, Stream]:
    """The stream and its group.

    Raises:
        ResourceNotFound: one of them is not there.
    """
    group = await require_group(transaction, call, group_name)
    stream = await store.load_stream(transaction, group.id, name)
    if stream is None:
        raise no_stream()
    return group, stream


def pages_of(needs: Needs, call: Call, *question: object) -> Paging:
    """The pages of one question; `open` raises InvalidParameter."""
    refusal = "The specified nextToken is invalid."
    return Paging(needs.pages, call, question, lambda _: InvalidParameter(refusal))
