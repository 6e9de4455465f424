"""Resource policies: kept and told. They bind services of AWS, which here need no permission."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.logs import shapes
from millpond.services.logs.errors import (
    InvalidParameter,
    LimitExceeded,
    OperationAborted,
    ResourceNotFound,
)
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import name_in, pages_of, require_group
from millpond.services.logs.storing import account

ACCOUNT_POLICIES_MAX = 10
ACCOUNT_POLICY_CHARACTERS_MAX = 5120
PAGE_SIZE_MAX = 50


def check_document(document: str) -> None:
    """Refuse what is not the JSON text of a policy.

    Raises:
        InvalidParameter: it is not.
    """
    try:
        policy = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        policy = None
    if not isinstance(policy, dict) or not policy.get("Statement"):
        raise InvalidParameter("The policy document is not valid.")


async def put_resource_policy(
    needs: Needs, call: Call, request: shapes.PutResourcePolicyRequest
) -> shapes.PutResourcePolicyResponse:
    """Keep a policy of the account by its name, or the one of a log group.

    Raises:
        LimitExceeded: the account has ten policies, or this one is longer than 5,120 characters.
        OperationAborted: the policy of the log group is not at the expected revision.

    Source: CloudWatch Logs API reference, PutResourcePolicy.
    """
    document = request.policy_document
    resource_arn = request.resource_arn or ""
    if not document or not (request.policy_name or resource_arn):
        raise InvalidParameter("policyName and policyDocument are required.")
    check_document(document)
    name = request.policy_name or ""
    async with needs.records.transaction() as transaction:
        former = await account.load_policy(transaction, call, resource_arn, name)
        if resource_arn:
            await require_group(transaction, call, name_in(call, resource_arn))
            _check_revision(former, request.expected_revision_id)
        else:
            if len(document) > ACCOUNT_POLICY_CHARACTERS_MAX:
                raise LimitExceeded("Resource limit exceeded.")
            kept = [one async for one in account.scan_policies(transaction, call)]
            if former is None and sum(not one.resource_arn for one in kept) >= ACCOUNT_POLICIES_MAX:
                raise LimitExceeded("Resource limit exceeded.")
        made = account.ResourcePolicy(
            name=name,
            document=document,
            updated_ms=needs.clock.now_ms(),
            resource_arn=resource_arn,
            revision=needs.ids.hex(16),
        )
        account.save_policy(transaction, call, made)
    return shapes.PutResourcePolicyResponse(
        resource_policy=_answer(made), revision_id=made.revision if resource_arn else None
    )


def _check_revision(former: account.ResourcePolicy | None, expected: str | None) -> None:
    if (former.revision if former else None) != expected:
        raise OperationAborted("The resource policy is not at the expected revision.")


async def delete_resource_policy(
    needs: Needs, call: Call, request: shapes.DeleteResourcePolicyRequest
) -> None:
    """Remove a policy. Source: CloudWatch Logs API reference, DeleteResourcePolicy."""
    resource_arn, name = request.resource_arn or "", request.policy_name or ""
    if not (resource_arn or name):
        raise InvalidParameter("policyName is required.")
    async with needs.records.transaction() as transaction:
        former = await account.load_policy(transaction, call, resource_arn, name)
        if former is None:
            raise ResourceNotFound("Policy with name [" + name + "] does not exist.")
        if resource_arn:
            _check_revision(former, request.expected_revision_id)
        account.delete_policy(transaction, call, resource_arn, name)


async def describe_resource_policies(
    needs: Needs, call: Call, request: shapes.DescribeResourcePoliciesRequest
) -> shapes.DescribeResourcePoliciesResponse:
    """The policies of the account, or of log groups. Source: CloudWatch Logs API reference,
    DescribeResourcePolicies."""
    of_groups = request.policy_scope == "RESOURCE" or bool(request.resource_arn)
    paging = pages_of(needs, call, request.resource_arn, of_groups)
    after = paging.open(request.next_token)
    size = request.limit or PAGE_SIZE_MAX
    async with needs.records.transaction() as transaction:
        meant = [
            policy
            async for policy in account.scan_policies(transaction, call)
            if bool(policy.resource_arn) is of_groups
            and policy.resource_arn.startswith(request.resource_arn or "")
            and (policy.resource_arn or policy.name) > after
        ]
    meant.sort(key=lambda policy: policy.resource_arn or policy.name)
    token = None
    if len(meant) > size:
        last = meant[size - 1]
        token = paging.seal(last.resource_arn or last.name)
    return shapes.DescribeResourcePoliciesResponse(
        resource_policies=[_answer(policy) for policy in meant[:size]], next_token=token
    )


def _answer(policy: account.ResourcePolicy) -> shapes.ResourcePolicy:
    of_group = bool(policy.resource_arn)
    return shapes.ResourcePolicy(
        policy_name=policy.name or None,
        policy_document=policy.document,
        last_updated_time=policy.updated_ms,
        policy_scope="RESOURCE" if of_group else "ACCOUNT",
        resource_arn=policy.resource_arn or None,
        revision_id=policy.revision if of_group else None,
    )
