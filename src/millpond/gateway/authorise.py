"""Whether a verified caller may call an operation.

The action is named after the operation, under the service's signing name, except where IAM says
otherwise. Source: Service Authorization Reference, "Actions, resources, and condition keys for
Amazon S3", "… Amazon DynamoDB", "… Amazon CloudWatch", "… Amazon Kinesis Data Streams", "… Amazon
Kinesis Firehose", "… Amazon CloudWatch Logs".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from millpond.gateway.refusals import Trouble, refuse
from millpond.kernel.call import Principal
from millpond.policy import allows
from millpond.wire.shape import ServiceModel

FREE = frozenset({("sts", "GetCallerIdentity")})
"""What needs no permission, even where one is denied."""

PREFIXES: Mapping[str, str] = {"monitoring": "cloudwatch"}
"""How a service's actions begin, where that is not its signing name."""

ACTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("dynamodb", "TransactGetItems"): ("dynamodb:GetItem",),
    ("s3", "CompleteMultipartUpload"): ("s3:PutObject",),
    ("s3", "CopyObject"): ("s3:GetObject", "s3:PutObject"),
    ("s3", "CreateMultipartUpload"): ("s3:PutObject",),
    ("s3", "DeleteObjects"): ("s3:DeleteObject",),
    ("s3", "HeadBucket"): ("s3:ListBucket",),
    ("s3", "HeadObject"): ("s3:GetObject",),
    ("s3", "ListBuckets"): ("s3:ListAllMyBuckets",),
    ("s3", "ListMultipartUploads"): ("s3:ListBucketMultipartUploads",),
    ("s3", "ListObjects"): ("s3:ListBucket",),
    ("s3", "ListObjectsV2"): ("s3:ListBucket",),
    ("s3", "ListParts"): ("s3:ListMultipartUploadParts",),
    ("s3", "UploadPart"): ("s3:PutObject",),
    ("s3", "UploadPartCopy"): ("s3:GetObject", "s3:PutObject"),
}

ITEM_ACTIONS: Mapping[tuple[str, str], tuple[str, Mapping[str, str]]] = {
    ("dynamodb", "TransactWriteItems"): (
        "transact_items",
        {
            "condition_check": "dynamodb:ConditionCheckItem",
            "put": "dynamodb:PutItem",
            "delete": "dynamodb:DeleteItem",
            "update": "dynamodb:UpdateItem",
        },
    ),
}
"""Operations whose request says what is done: the list in it, and the action for each member that
an element of the list may have. They are authorised once the request is parsed."""


def authorise(principal: Principal, model: ServiceModel, operation: str) -> None:
    """Return if `principal` may call `operation`.

    Raises:
        ServiceError: AccessDenied, in the code and words of the service's protocol.
    """
    if "*" in principal.actions:
        return
    called = (model.signing_name, operation)
    if called in FREE or called in ITEM_ACTIONS:
        return
    prefix = PREFIXES.get(model.signing_name, model.signing_name)
    _require(principal, model, ACTIONS.get(called) or (f"{prefix}:{operation}",))


def authorise_items(
    principal: Principal, model: ServiceModel, operation: str, request: Any
) -> None:
    """Return if `principal` may do all that a parsed `request` asks for, where the operation alone
    does not say what that is.

    Raises:
        ServiceError: AccessDenied, in the code and words of the service's protocol.
    """
    by_items = ITEM_ACTIONS.get((model.signing_name, operation))
    if by_items is None or "*" in principal.actions:
        return
    items, actions = by_items
    asked = {
        action
        for item in getattr(request, items)
        for member, action in actions.items()
        if getattr(item, member) is not None
    }
    _require(principal, model, sorted(asked))


def _require(principal: Principal, model: ServiceModel, actions: Iterable[str]) -> None:
    for action in actions:
        if not allows(principal.actions, action):
            raise refuse(
                model,
                Trouble.NOT_AUTHORISED,
                f"User: {principal.arn} is not authorized to perform: {action} because no "
                f"identity-based policy allows the {action} action",
            )
