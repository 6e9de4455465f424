"""What the programs of a job run may call, as its execution role.

There is no IAM yet to ask what the role may do: every role has what the guide gives to the role of
its getting started page, and what jobs on AWS's data services use beside it. An execution policy
takes away from that.

Source: EMR Serverless User Guide, "Job runtime roles", "Using an execution IAM policy".
"""

import json
from collections.abc import Iterable
from typing import Any

from millpond.policy import allows
from millpond.services.emrserverless.errors import Validation, refuse_options
from millpond.services.emrserverless.shapes import JobRunExecutionIamPolicy

ACTIONS: tuple[str, ...] = (
    "cloudwatch:*",
    "dynamodb:*",
    "firehose:*",
    "glue:*",
    "kinesis:*",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "s3:*",
    "sns:*",
    "sqs:*",
    "sts:GetCallerIdentity",
)
_STATEMENT = frozenset({"Sid", "Effect", "Action", "Resource"})


def role_name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def actions_of(policy: JobRunExecutionIamPolicy | None) -> tuple[str, ...]:
    """The actions of a run: those that the role and its execution policy, if any, both allow.

    Raises:
        Validation: the policy is malformed, or says more than which actions are allowed.
    """
    if policy is None:
        return ACTIONS
    refuse_options(("executionIamPolicy.policyArns", policy.policy_arns))
    if not policy.policy:
        return ACTIONS
    return tuple(sorted(set(_intersect(ACTIONS, _allowed(policy.policy)))))


def _intersect(role: Iterable[str], asked: list[str]) -> Iterable[str]:
    for pattern in asked:
        for known in role:
            if allows((known,), pattern):
                yield pattern
            elif allows((pattern,), known):
                yield known


def _allowed(text: str) -> list[str]:
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Validation("The execution IAM policy is not a policy document.") from error
    found: list[str] = []
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict):
            raise Validation("The execution IAM policy is not a policy document.")
        found += _actions(statement)
    return found


def _actions(statement: dict[str, Any]) -> list[str]:
    others = sorted(set(statement) - _STATEMENT)
    everything = statement.get("Resource") in ("*", ["*"])
    if others or statement.get("Effect") != "Allow" or not everything:
        raise Validation(
            "Of an execution IAM policy, statements that allow actions on all resources are "
            "implemented; Deny, conditions and resources are not."
        )
    actions = statement.get("Action", [])
    listed = actions if isinstance(actions, list) else [actions]
    if not all(isinstance(action, str) for action in listed):
        raise Validation("The execution IAM policy is not a policy document.")
    return listed
