"""Takes apart records that hold several: JSON objects one after another, or delimited pieces.

Pure. Objects may follow one another directly, with white space or with line feeds between them,
as in Firehose; an array is one value, and stays one.

Source: Firehose Developer Guide, Multi record deaggregation.
"""

import json

import msgspec

_decode = msgspec.json.Decoder(msgspec.Raw)
_scan = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode
_SPACE = " \t\r\n"


class NotJson(ValueError):
    """The record is not a row of JSON values; the text says where it goes wrong."""


def split_json(data: bytes) -> list[bytes]:
    """The JSON values of a record, each as it was written.

    Raises:
        NotJson: there is none, or something else is among them.
    """
    try:
        return [bytes(_decode.decode(data))]
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        lines = _decode.decode_lines(data)
    except (msgspec.DecodeError, RecursionError):
        return _split_slowly(data)
    if not lines:
        raise NotJson("The record is empty.")
    return [bytes(line) for line in lines]


def _split_slowly(data: bytes) -> list[bytes]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise NotJson("The record is not UTF-8.") from None
    values: list[bytes] = []
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in _SPACE:
            at += 1
        if at == end:
            break
        try:
            _, after = _scan(text, at)
        except RecursionError:
            raise NotJson("The JSON is nested too deeply.") from None
        except ValueError as error:
            raise NotJson(f"The record is not valid JSON: {error}.") from None
        values.append(text[at:after].encode())
        at = after
    if not values:
        raise NotJson("The record is empty.")
    return values


def split_delimited(data: bytes, delimiter: bytes) -> list[bytes]:
    """The pieces of a record; the empty ones, such as after the last delimiter, are none."""
    return [piece for piece in data.split(delimiter) if piece]
