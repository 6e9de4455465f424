"""S3's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.s3.operations import (
    buckets,
    completing,
    copying,
    deleting,
    listing,
    parts,
    reading,
    uploads,
    writing,
)

OPERATIONS: Mapping[str, Any] = {
    "AbortMultipartUpload": uploads.abort_multipart_upload,
    "CompleteMultipartUpload": completing.complete_multipart_upload,
    "CopyObject": copying.copy_object,
    "CreateBucket": buckets.create_bucket,
    "CreateMultipartUpload": uploads.create_multipart_upload,
    "DeleteBucket": buckets.delete_bucket,
    "DeleteObject": deleting.delete_object,
    "DeleteObjects": deleting.delete_objects,
    "GetBucketLocation": buckets.get_bucket_location,
    "GetObject": reading.get_object,
    "HeadBucket": buckets.head_bucket,
    "HeadObject": reading.head_object,
    "ListBuckets": buckets.list_buckets,
    "ListMultipartUploads": uploads.list_multipart_uploads,
    "ListObjects": listing.list_objects,
    "ListObjectsV2": listing.list_objects_v2,
    "ListParts": parts.list_parts,
    "PutObject": writing.put_object,
    "UploadPart": parts.upload_part,
    "UploadPartCopy": parts.upload_part_copy,
}
