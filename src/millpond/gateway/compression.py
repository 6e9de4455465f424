"""Request bodies that SDKs compress (`PutMetricData`, from 10 KiB on).

The signature covers the compressed bytes. S3's objects are stored as they come; this is for the
bodies that the protocols read.

Source: Smithy, "requestCompression trait", whose only encoding is gzip.
"""

import zlib

from millpond.gateway.refusals import Trouble, refuse
from millpond.kernel.limits import BODY_GATHERED_BYTES_MAX
from millpond.wire.http import Request
from millpond.wire.shape import ServiceModel

_GZIP = zlib.MAX_WBITS | 16


def is_compressed(request: Request) -> bool:
    """Whether a request's body is compressed. Other encodings (`amz-1.0`) are names only."""
    encoding = request.headers.get("content-encoding")
    return encoding is not None and encoding.strip().lower() == "gzip"


def decompress(model: ServiceModel, body: bytes) -> bytes:
    """The body of a request for the service `model`.

    Raises:
        ServiceError: it is not gzip, or longer than a gathered body may be.
    """
    reader = zlib.decompressobj(_GZIP)
    try:
        content = reader.decompress(body, BODY_GATHERED_BYTES_MAX + 1)
    except zlib.error as error:
        raise refuse(model, Trouble.BODY_NOT_GZIP) from error
    if len(content) > BODY_GATHERED_BYTES_MAX:
        raise refuse(model, Trouble.BODY_TOO_LARGE)
    if not reader.eof or reader.unused_data:
        raise refuse(model, Trouble.BODY_NOT_GZIP)
    return content
