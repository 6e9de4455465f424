"""Whether a verified caller may call an operation.

The action is named after the operation, under the service's signing name, except where IAM says
otherwise. Source: Service Authorization Reference, "Actions, resources, and condition keys for
Amazon S3".
"""

from collections.abc import Mapping

from millpond.gateway.refusals import Trouble, refuse
from millpond.kernel.call import Principal
from millpond.policy import allows
from millpond.wire.shape import ServiceModel

FREE = frozenset({("sts", "GetCallerIdentity")})
"""What needs no permission, even where one is denied."""

ACTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
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


def authorise(principal: Principal, model: ServiceModel, operation: str) -> None:
    """Return if `principal` may call `operation`.

    Raises:
        ServiceError: AccessDenied, in the code and words of the service's protocol.
    """
    if "*" in principal.actions:
        return
    service = model.signing_name
    if (service, operation) in FREE:
        return
    for action in ACTIONS.get((service, operation)) or (f"{service}:{operation}",):
        if not allows(principal.actions, action):
            raise refuse(
                model,
                Trouble.NOT_AUTHORISED,
                f"User: {principal.arn} is not authorized to perform: {action} because no "
                f"identity-based policy allows the {action} action",
            )
