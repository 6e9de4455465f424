"""What a resource policy must be: a JSON policy document with principals, actions and resources.

Source: Kinesis API reference, PutResourcePolicy; IAM JSON policy elements reference.
"""

import json
from typing import Any

POLICY_SIZE_BYTES_MAX = 20 * 1024
_VERSIONS = ("2012-10-17", "2008-10-17")
_DOCUMENT_MEMBERS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_MEMBERS = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})


class BadPolicy(ValueError):
    """Not a policy; the text says why."""


def check(document: str, arn: str) -> None:
    """`document` is a policy for the resource `arn`.

    Raises:
        BadPolicy: it is not.
    """
    if len(document.encode()) > POLICY_SIZE_BYTES_MAX:
        raise BadPolicy(f"it is longer than {POLICY_SIZE_BYTES_MAX} bytes.")
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError):
        raise BadPolicy("it is not JSON.") from None
    if not isinstance(policy, dict):
        raise BadPolicy("it is not a JSON object.")
    _check_members(policy, _DOCUMENT_MEMBERS, "policy")
    if policy.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise BadPolicy(f"its Version is none of {', '.join(_VERSIONS)}.")
    statements = policy.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise BadPolicy("it has no Statement.")
    for statement in statements:
        _check_statement(statement, arn)


def _check_statement(statement: Any, arn: str) -> None:
    if not isinstance(statement, dict):
        raise BadPolicy("a Statement is not a JSON object.")
    _check_members(statement, _STATEMENT_MEMBERS, "statement")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise BadPolicy("the Effect of a statement is Allow or Deny.")
    _check_principal(statement.get("Principal"))
    for action in _texts(statement.get("Action"), "Action"):
        if action != "*" and not action.lower().startswith("kinesis:"):
            raise BadPolicy(f"the Action {action} is not one of Kinesis.")
    for resource in _texts(statement.get("Resource"), "Resource"):
        if resource != arn:
            raise BadPolicy(f"the Resource {resource} is not the one that the policy is put on.")
    if not isinstance(statement.get("Condition", {}), dict):
        raise BadPolicy("the Condition of a statement is not a JSON object.")


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal:
        raise BadPolicy("a statement has no Principal.")
    for kind, names in principal.items():
        if kind not in _PRINCIPALS:
            raise BadPolicy(f"a Principal cannot be of the kind {kind}.")
        _texts(names, "Principal")


def _texts(value: Any, member: str) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise BadPolicy(f"the {member} of a statement is a text or a list of texts.")
    return texts


def _check_members(value: dict[str, Any], known: frozenset[str], of: str) -> None:
    unknown = sorted(set(value) - known)
    if unknown:
        raise BadPolicy(f"a {of} has no member {unknown[0]}.")
