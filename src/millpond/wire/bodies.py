"""A request's body as the protocols take it: gathered, or a stream that passes through."""

from typing import Any

from millpond.kernel.body import Body, BytesBody
from millpond.wire.errors import SerializationException
from millpond.wire.fields import Value


def gathered(body: bytes | Body) -> bytes:
    """A body that was gathered before it came here.

    Raises:
        TypeError: it is still a stream, although the operation does not take one.
    """
    if isinstance(body, bytes):
        return body
    if isinstance(body, BytesBody):
        return body.data
    raise TypeError("This operation's body is gathered before it is parsed.")


def raw_payload(value: Value, body: bytes | Body) -> Any:
    """A payload that is not a document: a stream, bytes or text.

    Raises:
        SerializationException: a text is not UTF-8.
    """
    if value.kind == "body":
        return BytesBody(body) if isinstance(body, bytes) else body
    data = gathered(body)
    if value.kind != "string":
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SerializationException("The request body is not UTF-8.") from error
