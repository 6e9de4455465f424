"""The refusals that S3 documents, with its codes, statuses and words.

Source: S3 API reference, "Error responses" (List of error codes).
"""

from typing import ClassVar

from millpond.kernel.errors import ServiceError


class _BadRequest(ServiceError):
    status: ClassVar[int] = 400


class AccessControlListNotSupported(_BadRequest):
    code = "AccessControlListNotSupported"

    def __init__(self) -> None:
        super().__init__("The bucket does not allow ACLs")


class AccessDenied(ServiceError):
    code = "AccessDenied"
    status = 403

    def __init__(self, message: str = "Access Denied") -> None:
        super().__init__(message)


class BadDigest(_BadRequest):
    code = "BadDigest"


class BucketAlreadyExists(ServiceError):
    code = "BucketAlreadyExists"
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "The requested bucket name is not available. The bucket namespace is shared by all "
            "users of the system. Please select a different name and try again.",
            BucketName=bucket,
        )


class BucketAlreadyOwnedByYou(ServiceError):
    code = "BucketAlreadyOwnedByYou"
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "Your previous request to create the named bucket succeeded and you already own it.",
            BucketName=bucket,
        )


class BucketNotEmpty(ServiceError):
    code = "BucketNotEmpty"
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__("The bucket you tried to delete is not empty", BucketName=bucket)


class ConditionalRequestConflict(ServiceError):
    code = "ConditionalRequestConflict"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The conditional request cannot succeed due to a conflicting operation against this "
            "resource."
        )


class EntityTooLarge(_BadRequest):
    code = "EntityTooLarge"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            "Your proposed upload exceeds the maximum allowed size",
            ProposedSize=str(size),
            MaxSizeAllowed=str(limit),
        )


class EntityTooSmall(_BadRequest):
    code = "EntityTooSmall"

    def __init__(self, size: int, limit: int, part_number: int, etag: str) -> None:
        super().__init__(
            "Your proposed upload is smaller than the minimum allowed size",
            ProposedSize=str(size),
            MinSizeAllowed=str(limit),
            PartNumber=str(part_number),
            ETag=etag,
        )


class IllegalLocationConstraint(_BadRequest):
    code = "IllegalLocationConstraintException"

    def __init__(self, constraint: str | None) -> None:
        super().__init__(
            f"The {constraint or 'unspecified'} location constraint is incompatible for the "
            "region specific endpoint this request was sent to."
        )


class InvalidArgument(_BadRequest):
    code = "InvalidArgument"

    def __init__(self, message: str, name: str, value: str) -> None:
        super().__init__(message, ArgumentName=name, ArgumentValue=value)


class InvalidBucketAcl(_BadRequest):
    code = "InvalidBucketAclWithObjectOwnership"

    def __init__(self) -> None:
        super().__init__(
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        )


class InvalidBucketName(_BadRequest):
    code = "InvalidBucketName"

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket is not valid.", BucketName=bucket)


class InvalidDigest(_BadRequest):
    code = "InvalidDigest"

    def __init__(self, digest: str) -> None:
        super().__init__("The Content-MD5 you specified was invalid.", **{"Content-MD5": digest})


class InvalidLocationConstraint(_BadRequest):
    code = "InvalidLocationConstraint"

    def __init__(self, constraint: str) -> None:
        super().__init__(
            "The specified location-constraint is not valid", LocationConstraint=constraint
        )


class InvalidPart(_BadRequest):
    code = "InvalidPart"

    def __init__(self, upload_id: str, part_number: int, etag: str) -> None:
        super().__init__(
            "One or more of the specified parts could not be found.  The part may not have been "
            "uploaded, or the specified entity tag may not match the part's entity tag.",
            UploadId=upload_id,
            PartNumber=str(part_number),
            ETag=etag,
        )


class InvalidPartNumber(ServiceError):
    code = "InvalidPartNumber"
    status = 416

    def __init__(self, requested: int, count: int) -> None:
        super().__init__(
            "The requested partnumber is not satisfiable",
            PartNumberRequested=str(requested),
            ActualPartCount=str(count),
        )


class InvalidPartOrder(_BadRequest):
    code = "InvalidPartOrder"

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            UploadId=upload_id,
        )


class InvalidRange(ServiceError):
    code = "InvalidRange"
    status = 416

    def __init__(self, requested: str, size: int) -> None:
        super().__init__(
            "The requested range is not satisfiable",
            RangeRequested=requested,
            ActualObjectSize=str(size),
        )


class InvalidRequest(_BadRequest):
    code = "InvalidRequest"


class InvalidStorageClass(_BadRequest):
    code = "InvalidStorageClass"

    def __init__(self, storage_class: str) -> None:
        super().__init__(
            "The storage class you specified is not valid", StorageClassRequested=storage_class
        )


class InvalidURI(_BadRequest):
    code = "InvalidURI"

    def __init__(self) -> None:
        super().__init__("Couldn't parse the specified URI.")


class KeyTooLong(_BadRequest):
    code = "KeyTooLongError"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__("Your key is too long", Size=str(size), MaxSizeAllowed=str(limit))


class MalformedXML(_BadRequest):
    code = "MalformedXML"

    def __init__(self) -> None:
        super().__init__(
            "The XML you provided was not well-formed or did not validate against our published "
            "schema"
        )


class MetadataTooLarge(_BadRequest):
    code = "MetadataTooLarge"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            "Your metadata headers exceed the maximum allowed metadata size",
            Size=str(size),
            MaxSizeAllowed=str(limit),
        )


class NoSuchBucket(ServiceError):
    code = "NoSuchBucket"
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket does not exist", BucketName=bucket)


class NoSuchKey(ServiceError):
    code = "NoSuchKey"
    status = 404

    def __init__(self, key: str) -> None:
        super().__init__("The specified key does not exist.", Key=key)


class NoSuchUpload(ServiceError):
    code = "NoSuchUpload"
    status = 404

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            "The specified upload does not exist. The upload ID may be invalid, or the upload may "
            "have been aborted or completed.",
            UploadId=upload_id,
        )


class NotImplementedHere(ServiceError):
    """S3's own NotImplemented: an option that this service does not have, by its name."""

    code = "NotImplemented"
    status = 501

    def __init__(self, option: str) -> None:
        super().__init__(
            "A header or query you provided implies functionality that is not implemented: "
            f"{option}",
            Header=option,
        )


class NotModified(ServiceError):
    """304: the answer has no body; the members are its headers."""

    code = "NotModified"
    status = 304

    def __init__(self, etag: str, last_modified: str) -> None:
        super().__init__("Not Modified", **{"ETag": etag, "Last-Modified": last_modified})


class OperationAborted(ServiceError):
    code = "OperationAborted"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "A conflicting conditional operation is currently in progress against this resource. "
            "Please try again."
        )


class PreconditionFailed(ServiceError):
    code = "PreconditionFailed"
    status = 412

    def __init__(self, condition: str) -> None:
        super().__init__(
            "At least one of the pre-conditions you specified did not hold", Condition=condition
        )
