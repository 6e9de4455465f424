"""What belongs to an account rather than to a log group: destinations and resource policies.

    destination  account, region, name       → Destination
    policy       account, region, scope, name → ResourcePolicy

`scope` is empty for a policy of the account, else the ARN of a log group, and the name is empty.
"""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.logs import store


class Destination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    target_arn: str
    role_arn: str
    created_ms: int
    policy: str | None = None
    tags: dict[str, str] = {}


class ResourcePolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    document: str
    updated_ms: int
    resource_arn: str = ""
    revision: str = ""


_encode = msgspec.msgpack.Encoder().encode
_DESTINATION = msgspec.msgpack.Decoder(Destination)
_POLICY = msgspec.msgpack.Decoder(ResourcePolicy)


def _destination_key(scope: Scope, name: str) -> bytes:
    return store.key("destination", scope.account, scope.region) + store.name_part(name)


async def load_destination(transaction: Transaction, scope: Scope, name: str) -> Destination | None:
    value = await transaction.get(_destination_key(scope, name))
    return None if value is None else _DESTINATION.decode(value)


def save_destination(transaction: Transaction, scope: Scope, destination: Destination) -> None:
    key = _destination_key(scope, destination.name)
    transaction.put(key, _encode(destination))


def delete_destination(transaction: Transaction, scope: Scope, name: str) -> None:
    transaction.delete(_destination_key(scope, name))


async def scan_destinations(transaction: Transaction, scope: Scope) -> AsyncIterator[Destination]:
    """Destinations, those of very long names in no order."""
    prefix = store.key("destination", scope.account, scope.region)
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        yield _DESTINATION.decode(value)


def _policy_key(scope: Scope, resource_arn: str, name: str) -> bytes:
    prefix = store.key("policy", scope.account, scope.region, resource_arn)
    return prefix + store.name_part(name)


async def load_policy(
    transaction: Transaction, scope: Scope, resource_arn: str, name: str
) -> ResourcePolicy | None:
    value = await transaction.get(_policy_key(scope, resource_arn, name))
    return None if value is None else _POLICY.decode(value)


def save_policy(transaction: Transaction, scope: Scope, policy: ResourcePolicy) -> None:
    name = "" if policy.resource_arn else policy.name
    transaction.put(_policy_key(scope, policy.resource_arn, name), _encode(policy))


def delete_policy(transaction: Transaction, scope: Scope, resource_arn: str, name: str) -> None:
    transaction.delete(_policy_key(scope, resource_arn, name))


async def scan_policies(transaction: Transaction, scope: Scope) -> AsyncIterator[ResourcePolicy]:
    """The account's policies, then those of log groups; those of very long names in no order."""
    prefix = store.key("policy", scope.account, scope.region)
    async for _, value in transaction.scan(prefix, end_of(prefix)):
        yield _POLICY.decode(value)
