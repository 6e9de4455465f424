"""The generated `shapes.py` are what the generator writes today, and light to import."""

import subprocess
import sys
import tomllib
from importlib import import_module
from typing import Annotated

import botocore.model
import msgspec
import pytest

from millpond.wire.fields import structure_of
from millpond.wire.shape import ServiceModel
from tests.wire import botocore_side, generated
from tools.generate_shapes import CONFIGURATIONS, SERVICES, generate, python_pattern, snake

NAMES = sorted(path.stem for path in CONFIGURATIONS.glob("*.toml"))


def model_of(service: str) -> ServiceModel:
    model: ServiceModel = import_module(f"millpond.services.{service}.shapes").MODEL
    return model


def aws_model(service: str) -> botocore.model.ServiceModel:
    """AWS's model, by the name that botocore has for the service."""
    configuration = tomllib.loads((CONFIGURATIONS / f"{service}.toml").read_text())
    return botocore_side.service_model(configuration["model"])


@pytest.mark.parametrize("service", NAMES)
def test_the_generated_file_is_up_to_date(service: str) -> None:
    written = (SERVICES / service / "shapes.py").read_text()
    assert generate(service) == written, f"run `make shapes` and commit {service}/shapes.py"


@pytest.mark.parametrize("service", NAMES)
def test_every_operation_of_aws_is_known(service: str) -> None:
    model, aws = model_of(service), aws_model(service)
    current = {n for n in aws.operation_names if not aws.operation_model(n).deprecated}
    assert current <= set(model.operations) | set(model.absent) <= set(aws.operation_names)
    assert not set(model.operations) & set(model.absent)


@pytest.mark.parametrize("service", NAMES)
def test_every_member_that_aws_requires_of_a_request_is_required(service: str) -> None:
    model, aws = model_of(service), aws_model(service)
    for name, operation in model.operations.items():
        shape = aws.operation_model(name).input_shape
        if operation.input is not None and shape is not None:
            required = {f.name for f in structure_of(operation.input).fields if f.required}
            assert required == set(shape.required_members), name


def test_what_only_answers_carry_is_optional_and_unconstrained() -> None:
    answer = structure_of(import_module("millpond.services.glue.shapes").Database)
    assert not any(field.required or field.value.constraints for field in answer.fields)


def test_a_structure_may_hold_itself() -> None:
    shapes = import_module("millpond.services.emr.shapes")
    body = b'{"Classification":"a","Configurations":[{"Configurations":[{"Classification":"b"}]}]}'
    read = msgspec.json.decode(body, type=shapes.Configuration)
    assert read.configurations[0].configurations[0].classification == "b"


def test_no_member_hides_a_type_that_annotations_use() -> None:
    fields = structure_of(import_module("millpond.services.dynamodb.shapes").AttributeValue).by_name
    assert (fields["BOOL"].attribute, fields["BOOL"].value.kind) == ("bool_", "boolean")
    assert fields["NULL"].value.kind == "boolean"


def test_a_service_of_several_protocols_has_the_markers_of_all() -> None:
    model = model_of("cloudwatch")
    assert (model.protocol, *model.other_protocols) == ("smithy-rpc-v2-cbor", "json", "query")
    assert model.query_codes["InvalidParameterValueException"] == "InvalidParameterValue"
    operation = model.operations["GetMetricData"]
    assert operation.result_wrapper == "GetMetricDataResult"
    result = import_module("millpond.services.cloudwatch.shapes").MetricDataResult
    timestamps = structure_of(result).by_name["Timestamps"].value
    assert (timestamps.item.kind, timestamps.item.timestamp) == ("timestamp", "iso8601")


def test_a_stream_of_events_names_its_events_and_exceptions() -> None:
    shapes = import_module("millpond.services.kinesis.shapes")
    field = structure_of(shapes.SubscribeToShardOutput).event_stream
    assert field is not None
    assert field.value.stream is not None
    assert field.value.events == (shapes.SubscribeToShardEvent,)
    assert field.value.stream.events == ("SubscribeToShardEvent",)
    assert "KMSThrottlingException" in field.value.stream.exceptions
    live_tail = generated.model_of("logs", "StartLiveTail").operations["StartLiveTail"]
    assert live_tail.output is not None
    stream = structure_of(live_tail.output).event_stream
    assert stream is not None
    assert stream.value.stream is not None
    assert stream.value.stream.events == ("sessionStart", "sessionUpdate")
    assert [kind.__name__ for kind in stream.value.events] == [
        "LiveTailSessionStart",
        "LiveTailSessionUpdate",
    ]


@pytest.mark.parametrize(
    ("aws", "python"),
    [
        ("ETag", "etag"),
        ("IfNoneMatch", "if_none_match"),
        ("CopySourceIfMatch", "copy_source_if_match"),
        ("ChecksumCRC32C", "checksum_crc32c"),
        ("ChecksumCRC64NVME", "checksum_crc64nvme"),
        ("SSEKMSKeyId", "ssekms_key_id"),
        ("From", "from_"),
        ("StorageDescriptor", "storage_descriptor"),
        ("BOOL", "bool_"),
    ],
)
def test_a_member_is_spelled_as_python_spells_names(aws: str, python: str) -> None:
    assert snake(aws) == python


@pytest.mark.parametrize(
    ("java", "taken", "refused"),
    [
        ("[a-z]+", "abc", "abc\n"),
        ("[a-z]+", "abc", "abcD"),
        ("^[a-z]+$", "abc", "abc\n"),
        ("a|b", "b", "bc"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "é\t\U0001f600", "a\nb"),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "Straße 7_@\u2003", "a#b"),
        (r"[\p{Alnum}_-]+", "aZ9_-", "é"),
        ("(?s).*", "a\nb", None),
        ("(?i)key", "KEY", "lock"),
    ],
)
def test_a_java_pattern_means_the_same_in_python(
    java: str, taken: str, refused: str | None
) -> None:
    pattern = python_pattern(java)
    assert pattern is not None
    probe = msgspec.defstruct("Probe", [("text", Annotated[str, msgspec.Meta(pattern=pattern)])])
    assert msgspec.convert({"text": taken}, probe).text == taken
    if refused is not None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"text": refused}, probe)


@pytest.mark.parametrize("java", [r"\p{IsGreek}+", "[a-z&&[^aeiou]]", r"[\p{L}]+", "(", "[[a]b]"])
def test_a_java_pattern_that_python_lacks_is_dropped(java: str) -> None:
    assert python_pattern(java) is None


def test_the_shapes_need_nothing_of_the_development_tools() -> None:
    imports = "; ".join(f"import millpond.services.{name}.shapes" for name in NAMES)
    command = f"import sys; {imports}; assert not {{'botocore', 'asyncio'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True)
