"""Write each service's `shapes.py` from botocore's model of it.

`python tools/generate_shapes.py [service...] [--check]` reads `tools/shapes/<service>.toml`:

    model = "glue"                          # botocore's name of the service
    operations = ["GetDatabase", …]         # those that Millpond implements
    validation_code = "ValidationException" # optional: the code for a broken constraint
    [patterns]                              # optional: of strings, in place of AWS's
    HttpEndpointUrl = "https?://.*"
    [values]                                # optional: of enumerations, besides AWS's
    WorkerType = ["R.1X"]

and writes `src/millpond/services/<service>/shapes.py`. With `--check` it writes nothing and exits
with 1 when a file differs from what it would write.

Constraints and enumerations are kept only where a request can bring the structure; what only
answers carry is plain and optional. S3 has its own error for each wrong value, so there the
operations judge them: its enumerations are plain strings, and of its constraints only the
numbers' sizes are kept.

A service may speak several protocols (CloudWatch: CBOR, JSON and forms); its members then carry
the markers of all of them.
"""

import argparse
import builtins
import difflib
import keyword
import re
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import msgspec
from botocore import xform_name

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATIONS = ROOT / "tools" / "shapes"
SERVICES = ROOT / "src" / "millpond" / "services"

# The model leaves these out; the API reference shows them (the Smithy model has them as xmlName
# and aws.customizations#s3UnwrappedXmlOutput).
S3_ROOTS = {
    "ListBuckets": "ListAllMyBucketsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListParts": "ListPartsResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketLocation": "LocationConstraint",
}
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
# S3 keeps and returns these as the text it was given; botocore adds ExpiresString for its reader.
S3_TEXT_SHAPES = {"Expires", "ResponseExpires"}
S3_LEFT_OUT = {"ExpiresString"}

INTEGER_BITS = {"integer": 32, "long": 64}
PYTHON_TYPES = {
    "string": "str",
    "character": "str",
    "boolean": "bool",
    "integer": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "bigdecimal": "float",
    "timestamp": "float",
    "blob": "bytes",
}
SCALARS = frozenset(PYTHON_TYPES)
ANNOTATING = frozenset({*PYTHON_TYPES.values(), "list", "dict"})
PROTOCOLS = ("json", "query", "rest-json", "rest-xml", "smithy-rpc-v2-cbor")
RPC_CBOR = "smithy-rpc-v2-cbor"
AMBIGUOUS = frozenset({"l", "O", "I"})
SNAKE_FIXES = (
    (re.compile(r"\be_tag\b|(?<=_)e_tag\b"), "etag"),
    (re.compile(r"crc32_c\b"), "crc32c"),
    (re.compile(r"crc64_nvme"), "crc64nvme"),
    (re.compile(r"\bif_none_match_e_tag"), "if_none_match_etag"),
)
JAVA_SURROGATES = re.compile(r"\\[uU][dD]8..\\[uU][dD][cC]..-\\[uU][dD][bB]..\\[uU][dD][fF]..")
JAVA_SEPARATORS = r"\u0020\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
JAVA_CLASSES = {
    r"\p{Alpha}": "a-zA-Z",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{Digit}": "0-9",
    r"\p{Graph}": "!-~",
    r"\p{Print}": " -~",
}


def snake(name: str) -> str:
    """The Python name of an AWS member; never one that an annotation beside it may use."""
    result = xform_name(name)
    for pattern, fix in SNAKE_FIXES:
        result = pattern.sub(fix, result)
    return f"{result}_" if keyword.iskeyword(result) or result in ANNOTATING else result


def class_name(name: str) -> str:
    """The Python name of an AWS shape."""
    taken = keyword.iskeyword(name) or hasattr(builtins, name)
    return f"{name}_" if taken or name.startswith("_") else name


def python_pattern(java: str) -> str | None:
    r"""The pattern, anchored, as Python writes it; None when Python has no such pattern.

    Java's `\d` and `\w` take ASCII alone, Python's only when told so.
    """
    text = JAVA_SURROGATES.sub(r"\\U00010000-\\U0010FFFF", java)
    group = "(?a:" if re.search(r"\\[dw]", text, re.IGNORECASE) else "(?:"
    if r"\p{L}" in text and r"\p{N}" in text and "_" in text:
        text = text.replace(r"\p{N}", "").replace(r"\p{L}", r"\w")
        text = text.replace(r"\p{Z}", JAVA_SEPARATORS)
        group = "(?:"
    for name, members in JAVA_CLASSES.items():
        text = text.replace(f"[{name}", f"[{members}").replace(name, f"[{members}]")
    flags = ""
    if match := re.match(r"\(\?([a-z]+)\)", text):
        flags, text = match.group(0), text[match.end() :]
    anchored = f"{flags}^{group}{text})\\Z"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(anchored)
        except (re.error, Warning):
            return None
    return anchored


class Writer:
    """Writes one service's module."""

    def __init__(self, service: str, configuration: dict[str, Any]) -> None:
        self.service = service
        self.configuration = configuration
        self.model = botocore.session.get_session().get_service_model(configuration["model"])
        metadata = self.model.metadata
        self.protocol: str = metadata["protocol"]
        offered = [name for name in metadata.get("protocols", ()) if name in PROTOCOLS]
        self.protocols = tuple(dict.fromkeys([self.protocol, *offered]))
        self.speaks_xml = not {"query", "rest-xml"}.isdisjoint(self.protocols)
        self.speaks_json = not {"json", "rest-json"}.isdisjoint(self.protocols)
        self.implemented: list[str] = configuration["operations"]
        unknown = set(self.implemented) - set(self.model.operation_names)
        if unknown:
            raise SystemExit(f"{service}: AWS has no operations {sorted(unknown)}.")
        self.aliases: dict[str, str] = {}
        self.from_inputs: dict[str, Any] = {}
        self.structures: dict[str, Any] = {}
        operations = [self.model.operation_model(name) for name in self.implemented]
        for operation in operations:
            self._reach(operation.input_shape, self.from_inputs)
        self.structures.update(self.from_inputs)
        for operation in operations:
            self._reach(operation.output_shape, self.structures)

    def text(self) -> str:
        """The module's text, before formatting."""
        classes = [self._structure(shape) for _, shape in sorted(self.structures.items())]
        aliases = [f"{name} = {value}" for name, value in sorted(self.aliases.items())]
        ambiguous = any(snake(n) in AMBIGUOUS for s in self.structures.values() for n in s.members)
        service = self.model.metadata.get("serviceAbbreviation") or self.model.metadata.get(
            "serviceFullName"
        )
        return "\n\n".join(
            [
                *(["# ruff: noqa: E741"] if ambiguous else []),
                f'"""{service}, {self.model.api_version}: typed requests and answers.\n\n'
                "Generated by tools/generate_shapes.py from "
                f'tools/shapes/{self.service}.toml; never changed by hand.\n"""',
                "from __future__ import annotations",
                "from collections.abc import AsyncIterator as _AsyncIterator",
                "from typing import Annotated as _Annotated\nfrom typing import Any as _Any\n"
                "from typing import Literal as _Literal",
                "from msgspec import Meta as _Meta\nfrom msgspec import Struct as _Struct",
                "from millpond.kernel.body import Body as _Body\n"
                "from millpond.wire import shape as _wire",
                "\n".join(aliases),
                *classes,
                self._model(),
            ]
        )

    def _reach(self, shape: Any, reached: dict[str, Any]) -> None:
        if shape is None:
            return
        if shape.type_name == "structure" and shape.serialization.get("eventstream"):
            for event in self._events(shape).values():
                self._reach(event, reached)
        elif shape.type_name == "structure":
            if shape.name in reached:
                return
            reached[shape.name] = shape
            for name, member in shape.members.items():
                if not self._left_out(name):
                    self._reach(member, reached)
        elif shape.type_name == "list":
            self._reach(shape.member, reached)
        elif shape.type_name == "map":
            self._reach(shape.key, reached)
            self._reach(shape.value, reached)

    def _events(self, stream: Any) -> dict[str, Any]:
        """The events of a stream by their names."""
        members = stream.members.items()
        events = {name: shape for name, shape in members if shape.serialization.get("event")}
        parts = [part for event in events.values() for part in event.members.values()]
        apart = any({"eventheader", "eventpayload"} & part.serialization.keys() for part in parts)
        if apart or len({event.name for event in events.values()}) < len(events):
            raise SystemExit(f"{self.service}: {stream.name} has events of an unknown form.")
        return events

    def _left_out(self, member: str) -> bool:
        return self.service == "s3" and member in S3_LEFT_OUT

    def _structure(self, shape: Any) -> str:
        strict = shape.name in self.from_inputs
        members = {
            name: member for name, member in shape.members.items() if not self._left_out(name)
        }
        names = {snake(name): name for name in members}
        lines = []
        payload = shape.serialization.get("payload")
        for name, member in members.items():
            required = strict and name in shape.required_members
            expression = self._expression(member, strict, payload=name == payload)
            if not required:
                expression += " | None"
            markers = self._markers(name, member, payload=name == payload)
            if markers:
                expression = f"_Annotated[{expression}, {', '.join(markers)}]"
            lines.append(f"    {snake(name)}: {expression}{'' if required else ' = None'}")
        options = "kw_only=True, omit_defaults=True"
        if members:
            options += f", rename={self._rename(names)}"
        head = f"class {class_name(shape.name)}(_Struct, {options}):"
        return "\n".join([head, *(lines or ["    pass"])])

    def _rename(self, names: dict[str, str]) -> str:
        probe = msgspec.defstruct("Probe", [(name, Any) for name in names], rename="pascal")
        if list(probe.__struct_encode_fields__) == list(names.values()):
            return '"pascal"'
        return repr(names)

    def _expression(self, shape: Any, strict: bool, *, payload: bool = False) -> str:
        if payload and shape.type_name in ("blob", "string") and self._streams(shape):
            return "_Body"
        if getattr(shape, "is_document_type", False):
            return "_Any"
        if shape.serialization.get("eventstream"):
            if strict:
                raise SystemExit(f"{self.service}: {shape.name} streams to the server.")
            events = [class_name(event.name) for event in self._events(shape).values()]
            return f"_AsyncIterator[{' | '.join(events)}]"
        if shape.type_name == "structure":
            return class_name(shape.name)
        if shape.type_name in ("list", "map"):
            return self._collection(shape, strict)
        if shape.type_name not in SCALARS:
            raise SystemExit(f"{self.service}: {shape.name} is a {shape.type_name}.")
        if self.service == "s3" and shape.name in S3_TEXT_SHAPES:
            return "str"
        return self._scalar(shape, strict)

    def _streams(self, shape: Any) -> bool:
        return bool(shape.serialization.get("streaming"))

    def _collection(self, shape: Any, strict: bool) -> str:
        if shape.type_name == "list":
            expression = f"list[{self._element(shape.member, strict)}]"
        else:
            key, value = self._element(shape.key, strict), self._element(shape.value, strict)
            expression = f"dict[{key}, {value}]"
        constraints = self._lengths(shape) if strict else []
        if constraints:
            expression = f"_Annotated[{expression}, _Meta({', '.join(constraints)})]"
        return expression

    def _element(self, shape: Any, strict: bool) -> str:
        expression = self._expression(shape, strict)
        markers = []
        if self.speaks_xml and shape.type_name in ("list", "map") and (xml := self._xml("", shape)):
            markers.append(xml)
        if shape.type_name == "timestamp":
            markers.append(self._timestamp(shape))
        return f"_Annotated[{expression}, {', '.join(markers)}]" if markers else expression

    def _scalar(self, shape: Any, strict: bool) -> str:
        plain = PYTHON_TYPES[shape.type_name]
        if not strict:
            return plain
        name = class_name(shape.name)
        if shape.type_name == "string" and shape.enum:
            if self.protocol == "rest-xml":
                return plain
            values = [*shape.enum, *self.configuration.get("values", {}).get(shape.name, ())]
            self.aliases[name] = f"_Literal[{', '.join(map(repr, values))}]"
            return name
        constraints = list(self._constraints(shape))
        if not constraints:
            return plain
        self.aliases[name] = f"_Annotated[{plain}, _Meta({', '.join(constraints)})]"
        return name

    def _constraints(self, shape: Any) -> Iterator[str]:
        metadata = {} if self.protocol == "rest-xml" else shape.metadata
        if self.protocol == "rest-xml" and shape.type_name not in INTEGER_BITS:
            return
        if shape.type_name in ("string", "blob"):
            yield from self._lengths(shape)
        elif bits := INTEGER_BITS.get(shape.type_name):
            lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
            yield f"ge={max(int(metadata.get('min', lowest)), lowest)}"
            yield f"le={min(int(metadata.get('max', highest)), highest)}"
        elif shape.type_name in ("float", "double"):
            if "min" in metadata:
                yield f"ge={float(metadata['min'])}"
            if "max" in metadata:
                yield f"le={float(metadata['max'])}"
        wider = self.configuration.get("patterns", {}).get(shape.name)
        java = wider or (metadata.get("pattern") if shape.type_name == "string" else None)
        pattern = python_pattern(java) if java else None
        if pattern:
            yield f"pattern={pattern!r}"
            if pattern != f"^(?:{java})\\Z":
                yield f"extra={{'pattern': {java!r}}}"

    def _lengths(self, shape: Any) -> list[str]:
        constraints = []
        if shape.metadata.get("min"):
            constraints.append(f"min_length={int(shape.metadata['min'])}")
        if "max" in shape.metadata:
            constraints.append(f"max_length={int(shape.metadata['max'])}")
        return constraints

    def _markers(self, name: str, shape: Any, *, payload: bool) -> list[str]:
        serialization = shape.serialization
        location, wire_name = serialization.get("location"), serialization.get("name", name)
        markers = []
        if serialization.get("eventstream"):
            events = tuple(self._events(shape))
            refused = tuple(name for name in shape.members if name not in events)
            return [f"_wire.EventStream(events={events!r}, exceptions={refused!r})"]
        if location == "header":
            markers.append(f'_wire.Header("{wire_name.lower()}")')
        elif location == "headers":
            markers.append(f'_wire.Headers("{wire_name.lower()}")')
        elif location == "querystring":
            markers.append(f'_wire.Query("{wire_name}")')
        elif location == "uri":
            markers.append(f'_wire.Uri("{wire_name}")')
        elif location == "statusCode":
            markers.append("_wire.Status()")
        elif payload:
            streaming = "streaming=True" if self._streams(shape) else ""
            markers.append(f"_wire.Payload({streaming})")
        elif (self.speaks_json or not self.speaks_xml) and wire_name != name:
            raise SystemExit(f"{self.service}: JSON spells {name} as {wire_name}.")
        if shape.type_name == "timestamp":
            markers.append(self._timestamp(shape))
        if self.speaks_xml and location is None:
            xml = self._xml(name, shape)
            if xml and not self._streams(shape):
                markers.append(xml)
        return [marker for marker in markers if marker]

    def _timestamp(self, shape: Any) -> str:
        if self.service == "s3" and shape.name in S3_TEXT_SHAPES:
            return ""
        chosen = shape.serialization.get("timestampFormat")
        if chosen is None and shape.serialization.get("location") == "header":
            chosen = "rfc822"
        if chosen is None:
            chosen = "iso8601" if self.speaks_xml else "unixTimestamp"
        return f'_wire.Timestamp("{chosen}")'

    def _xml(self, name: str, shape: Any) -> str:
        serialization = shape.serialization
        settings = {}
        wire_name = serialization.get("name", name)
        if shape.type_name == "list":
            item = shape.member.serialization.get("name")
            if serialization.get("flattened"):
                settings["flattened"] = True
                wire_name = item or wire_name
            elif item and item != "member":
                settings["item"] = item
        if shape.type_name == "map":
            if serialization.get("flattened"):
                settings["flattened"] = True
            for role, part in (("key", shape.key), ("value", shape.value)):
                if part.serialization.get("name", role) != role:
                    settings[role] = part.serialization["name"]
        if wire_name != name:
            settings["name"] = wire_name
        if serialization.get("xmlAttribute"):
            settings["attribute"] = True
        namespace = serialization.get("xmlNamespace", {})
        if namespace and "prefix" not in namespace:
            settings["namespace"] = namespace["uri"]
        if not settings:
            return ""
        return f"_wire.Xml({', '.join(f'{key}={value!r}' for key, value in settings.items())})"

    def _operation(self, name: str) -> str:
        operation = self.model.operation_model(name)
        rest = self.protocol.startswith("rest-")
        settings: dict[str, str] = {"name": repr(name)}
        if rest:
            settings["method"] = repr(operation.http["method"])
            settings["uri"] = repr(operation.http["requestUri"])
            settings.update(self._required(operation.input_shape))
        if operation.http.get("responseCode", 200) != 200:
            settings["status"] = str(operation.http["responseCode"])
        if name not in self.implemented:
            return f"_wire.Operation({', '.join(f'{k}={v}' for k, v in settings.items())})"
        if operation.input_shape is not None:
            settings["input"] = class_name(operation.input_shape.name)
            if root := operation.input_shape.serialization.get("name"):
                settings["input_root"] = repr(root)
        if operation.output_shape is not None:
            settings["output"] = class_name(operation.output_shape.name)
            if wrapper := operation.output_shape.serialization.get("resultWrapper"):
                settings["result_wrapper"] = repr(wrapper)
        if self.service == "s3" and name in S3_ROOTS:
            settings["output_root"] = repr(S3_ROOTS[name])
            if name == "GetBucketLocation":
                settings["unwrapped"] = "True"
        checksum = operation.http_checksum or {}
        if operation.http_checksum_required or checksum.get("requestChecksumRequired"):
            settings["checksum_required"] = "True"
        return f"_wire.Operation({', '.join(f'{k}={v}' for k, v in settings.items())})"

    def _required(self, shape: Any) -> dict[str, str]:
        found: dict[str, list[str]] = {"querystring": [], "header": []}
        if shape is not None:
            for name in shape.required_members:
                serialization = shape.members[name].serialization
                if serialization.get("location") in found:
                    found[serialization["location"]].append(serialization.get("name", name))
        settings = {}
        if found["querystring"]:
            settings["query"] = repr(tuple(found["querystring"]))
        if found["header"]:
            settings["headers"] = repr(tuple(name.lower() for name in found["header"]))
        return settings

    def _model(self) -> str:
        metadata = self.model.metadata
        settings = {
            "name": repr(self.service),
            "signing_name": repr(metadata.get("signingName", metadata["endpointPrefix"])),
            "protocol": repr(self.protocol),
            "api_version": repr(self.model.api_version),
        }
        if len(self.protocols) > 1:
            settings["other_protocols"] = repr(self.protocols[1:])
        if "json" in self.protocols:
            settings["json_version"] = repr(metadata["jsonVersion"])
        if "json" in self.protocols or RPC_CBOR in self.protocols:
            settings["target_prefix"] = repr(metadata["targetPrefix"])
        namespace = S3_NAMESPACE if self.service == "s3" else metadata.get("xmlNamespace")
        if namespace:
            settings["namespace"] = repr(namespace)
        default = "ValidationError" if self.protocol == "query" else "ValidationException"
        code = self.configuration.get("validation_code", default)
        if code != "ValidationException":
            settings["validation_code"] = repr(code)
        if self.protocols != ("query",) and self._message_member() != "message":
            settings["message_member"] = repr(self._message_member())
        if self.model.is_query_compatible:
            settings["query_codes"] = repr(self._query_codes())
        operations = [f"{name!r}: {self._operation(name)}" for name in sorted(self.implemented)]
        settings["operations"] = "{" + ", ".join(operations) + ",}"
        if set(self.model.operation_names) - set(self.implemented):
            settings["absent"] = self._absent()
        return f"MODEL = _wire.ServiceModel({', '.join(f'{k}={v}' for k, v in settings.items())},)"

    def _message_member(self) -> str:
        spellings = [
            name
            for shape in self.model.error_shapes
            for name in shape.members
            if name.lower() == "message"
        ]
        return max(spellings, key=spellings.count, default="message")

    def _query_codes(self) -> dict[str, str]:
        """The errors whose code in the query protocol is not their shape's name."""
        codes = {shape.name: shape.error_code for shape in self.model.error_shapes}
        return {name: code for name, code in sorted(codes.items()) if code != name}

    def _absent(self) -> str:
        names = sorted(set(self.model.operation_names) - set(self.implemented))
        if not self.protocol.startswith("rest-"):
            listed = ", ".join(repr(name) for name in names)
            return f"{{name: _wire.Operation(name) for name in ({listed},)}}"
        current = [name for name in names if not self.model.operation_model(name).deprecated]
        return "{" + ", ".join(f"{name!r}: {self._operation(name)}" for name in current) + ",}"


def generate(service: str) -> str:
    """The formatted text of a service's `shapes.py`."""
    configuration = tomllib.loads((CONFIGURATIONS / f"{service}.toml").read_text())
    text = Writer(service, configuration).text()
    path = SERVICES / service / "shapes.py"
    ruff = Path(sys.executable).parent / "ruff"
    unused = ["check", "--select", "F401,I", "--ignore", "F811", "--fix-only", "--quiet"]
    for command in (unused, ["format", "--quiet"]):
        text = subprocess.run(
            [str(ruff), *command, "--stdin-filename", str(path), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description="Write each service's shapes.py.")
    parser.add_argument("services", nargs="*")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if one differs")
    arguments = parser.parse_args()
    services = arguments.services or sorted(path.stem for path in CONFIGURATIONS.glob("*.toml"))
    stale = 0
    for service in services:
        path = SERVICES / service / "shapes.py"
        text = generate(service)
        before = path.read_text() if path.exists() else ""
        if text == before:
            continue
        if arguments.check:
            stale = 1
            lines = difflib.unified_diff(before.splitlines(), text.splitlines(), lineterm="", n=0)
            print(f"{path.relative_to(ROOT)} is out of date:", *list(lines)[:20], sep="\n")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines")
    return stale


if __name__ == "__main__":
    sys.exit(main())
