"""What a ProcessingConfiguration asks for, checked and read.

Source: Firehose API reference, Processor and ProcessorParameter; Firehose Developer Guide.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.shapes import ProcessingConfiguration, Processor
from millpond.services.firehose.transform.function import parse_address

RETRIES_DEFAULT, RETRIES_MAX = 3, 300
BUFFER_MB_DEFAULT, BUFFER_MB_MIN, BUFFER_MB_MAX = 1.0, 0.2, 3.0
BUFFER_SECONDS_DEFAULT, BUFFER_SECONDS_MAX = 60, 900
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "Decompression": frozenset({"CompressionFormat"}),
    "CloudWatchLogProcessing": frozenset({"DataMessageExtraction"}),
    "RecordDeAggregation": frozenset({"SubRecordType", "Delimiter"}),
    "Lambda": frozenset(
        {"LambdaArn", "NumberOfRetries", "RoleArn", "BufferSizeInMBs", "BufferIntervalInSeconds"}
    ),
    "MetadataExtraction": frozenset({"MetadataExtractionQuery", "JsonParsingEngine"}),
    "AppendDelimiterToRecord": frozenset({"Delimiter"}),
}
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\\\": "\\"}


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """The Lambda processor."""

    address: str
    role_arn: str | None
    retries: int
    buffer_size_bytes: int
    buffer_ms: int


@dataclass(frozen=True, slots=True)
class Processing:
    """The processors that are configured. `split` is how records are taken apart: None not at all,
    b"" as JSON, else at this delimiter."""

    is_compressed: bool = False
    extracts_messages: bool = False
    split: bytes | None = None
    function: FunctionSettings | None = None
    query: str | None = None
    delimiter: bytes = field(default=b"")


def read(processing: ProcessingConfiguration | None) -> Processing:
    """What is asked for; nothing, if processing is not enabled.

    Raises:
        InvalidArgument: a processor or parameter cannot be what it is.
    """
    if processing is None or processing.enabled is False:
        return Processing()
    found: dict[str, dict[str, str]] = {}
    for processor in processing.processors or ():
        if processor.type in found:
            raise InvalidArgument(f"Only one processor of type {processor.type} is allowed.")
        found[processor.type] = _parameters(processor)
    is_compressed = "Decompression" in found
    if is_compressed:
        _one_of(found["Decompression"], "Decompression", "CompressionFormat", ("GZIP",))
    extracts = False
    if "CloudWatchLogProcessing" in found:
        if not is_compressed:
            raise InvalidArgument(
                "CloudWatchLogProcessing needs a processor of type Decompression."
            )
        extracts = (
            _one_of(
                found["CloudWatchLogProcessing"],
                "CloudWatchLogProcessing",
                "DataMessageExtraction",
                ("true", "false"),
            )
            == "true"
        )
    return Processing(
        is_compressed=is_compressed,
        extracts_messages=extracts,
        split=_if(found, "RecordDeAggregation", _split),
        function=_if(found, "Lambda", _function),
        query=_if(found, "MetadataExtraction", _query),
        delimiter=_if(found, "AppendDelimiterToRecord", _delimiter) or b"",
    )


def _if(
    found: dict[str, dict[str, str]], name: str, read_it: Callable[[dict[str, str]], Any]
) -> Any:
    return read_it(found[name]) if name in found else None


def _parameters(processor: Processor) -> dict[str, str]:
    known = _PARAMETERS[processor.type]
    found: dict[str, str] = {}
    for parameter in processor.parameters or ():
        name = parameter.parameter_name
        if name not in known:
            raise InvalidArgument(f"A processor of type {processor.type} has no parameter {name}.")
        if name in found:
            raise InvalidArgument(f"The parameter {name} is given twice.")
        found[name] = parameter.parameter_value
    return found


def _needed(parameters: dict[str, str], processor: str, name: str) -> str:
    value = parameters.get(name)
    if value is None:
        raise InvalidArgument(f"A processor of type {processor} needs the parameter {name}.")
    return value


def _one_of(parameters: dict[str, str], processor: str, name: str, values: tuple[str, ...]) -> str:
    value = _needed(parameters, processor, name)
    for one in values:
        if value.upper() == one.upper():
            return one
    raise InvalidArgument(f"{name} must be one of: {', '.join(values)}.")


def _split(parameters: dict[str, str]) -> bytes:
    kind = _one_of(parameters, "RecordDeAggregation", "SubRecordType", ("JSON", "DELIMITED"))
    if kind == "JSON":
        return b""
    text = _needed(parameters, "RecordDeAggregation", "Delimiter")
    try:
        delimiter = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        delimiter = b""
    if not delimiter:
        raise InvalidArgument("Delimiter of RecordDeAggregation must be in Base64.")
    return delimiter


def _function(parameters: dict[str, str]) -> FunctionSettings:
    address = _needed(parameters, "Lambda", "LambdaArn")
    parse_address(address)
    retries = _number(parameters, "NumberOfRetries", RETRIES_DEFAULT, 0, RETRIES_MAX)
    size_mb = _number(
        parameters, "BufferSizeInMBs", BUFFER_MB_DEFAULT, BUFFER_MB_MIN, BUFFER_MB_MAX
    )
    seconds = _number(
        parameters, "BufferIntervalInSeconds", BUFFER_SECONDS_DEFAULT, 0, BUFFER_SECONDS_MAX
    )
    return FunctionSettings(
        address=address,
        role_arn=parameters.get("RoleArn"),
        retries=int(retries),
        buffer_size_bytes=int(size_mb * (1 << 20)),
        buffer_ms=int(seconds * 1000),
    )


def _number(
    parameters: dict[str, str], name: str, default: float, low: float, high: float
) -> float:
    text = parameters.get(name)
    if text is None:
        return default
    pattern = r"\d{1,6}(\.\d{1,6})?" if name == "BufferSizeInMBs" else r"\d{1,6}"
    if re.fullmatch(pattern, text, re.ASCII) and low <= float(text) <= high:
        return float(text)
    raise InvalidArgument(f"{name} must be a number from {low:g} to {high:g}.")


def _query(parameters: dict[str, str]) -> str:
    engine = _needed(parameters, "MetadataExtraction", "JsonParsingEngine")
    if engine != "JQ-1.6":
        raise InvalidArgument("JsonParsingEngine must be JQ-1.6.")
    return _needed(parameters, "MetadataExtraction", "MetadataExtractionQuery")


def _delimiter(parameters: dict[str, str]) -> bytes:
    text = parameters.get("Delimiter", "\n")
    return re.sub(r"\\[nrt\\]", lambda found: _ESCAPES[found[0]], text).encode()
