"""From a Python script to its nodes and edges.

A script with annotations (`annotated`) tells its graph in them. Of any other the statements are
read: a frame is what a call of the GlueContext reads, or what is made of other frames; what only
turns a frame into a DataFrame or back is the same node. Nothing of the script is run.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.shapes import CodeGenEdge, CodeGenNode, CodeGenNodeArg

ANNOTATION = re.compile(r"\s*##\s*@(type|args|return|inputs)\s*:\s*(.*)")
READERS = ("create_dynamic_frame", "create_data_frame", "getSource", "create_dynamic_frame_from")
WRITERS = ("write_dynamic_frame", "write_data_frame", "getSink", "write_from_jdbc_conf")
SESSION_READERS = ("read", "readStream", "sql", "table")
ID_LENGTH_MAX = 255


def dataflow(script: str) -> tuple[list[CodeGenNode], list[CodeGenEdge]]:
    """The nodes of a script in its order, and the edges between them.

    Raises:
        InvalidInput: it is not Python.
    """
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError) as error:
        raise InvalidInput(f"PythonScript is not Python: {error}.") from None
    except (RecursionError, MemoryError):
        raise InvalidInput("PythonScript is nested too deeply.") from None
    found = _annotations(script.splitlines())
    if found is None:
        reading = _Reading()
        reading.read(tree.body)
        found = reading.nodes, reading.edges
    return found


def _annotations(lines: Sequence[str]) -> tuple[list[CodeGenNode], list[CodeGenEdge]] | None:
    nodes: list[CodeGenNode] = []
    edges: list[CodeGenEdge] = []
    told: dict[str, str] = {}
    begun = 0
    for number, line in enumerate(lines, 1):
        match = ANNOTATION.match(line)
        if match and match[1] == "type":
            told, begun = {}, number
        if match:
            told[match[1]] = match[2].strip()
        elif told:
            _tell(told, begun, nodes, edges)
            told = {}
    if told:
        _tell(told, begun, nodes, edges)
    known = {node.id for node in nodes}
    return (nodes, [edge for edge in edges if edge.source in known]) if nodes else None


def _tell(
    told: dict[str, str], line: int, nodes: list[CodeGenNode], edges: list[CodeGenEdge]
) -> None:
    name = told.get("return", "")
    if "type" not in told or not name.isidentifier():
        return
    arguments = [
        CodeGenNodeArg(name=key, value=ast.unparse(value), param=isinstance(value, ast.Name))
        for key, value in _named(told.get("args", ""))
    ]
    nodes.append(CodeGenNode(id=name, node_type=told["type"], args=arguments, line_number=line))
    for key, value in _named(told.get("inputs", "")):
        if isinstance(value, ast.Name):
            edges.append(CodeGenEdge(source=value.id, target=name, target_parameter=key))


def _named(text: str) -> Iterator[tuple[str, ast.expr]]:
    """`[name = expression, …]`, as far as it is Python."""
    inner = text.strip().removeprefix("[").removesuffix("]")
    try:
        call = ast.parse(f"f({inner})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    if isinstance(call, ast.Call):
        yield from (("frame", value) for value in call.args)
        yield from ((each.arg, each.value) for each in call.keywords if each.arg)


@dataclass
class _Reading:
    """`frames` are the nodes that variables stand for, by their names."""

    nodes: list[CodeGenNode] = field(default_factory=list)
    edges: list[CodeGenEdge] = field(default_factory=list)
    frames: dict[str, str] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)

    def read(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            match statement:
                case ast.FunctionDef():
                    self.functions[statement.name] = statement
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._assigned(name, value)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self._assigned(name, value)
                case ast.Expr(value=ast.Call() as call):
                    self._called(call)
                case ast.If() | ast.For() | ast.While():
                    self.read(statement.body)
                    self.read(statement.orelse)
                case ast.With():
                    self.read(statement.body)
                case ast.Try():
                    for part in (statement.body, statement.orelse, statement.finalbody):
                        self.read(part)

    def _assigned(self, name: str, value: ast.expr) -> None:
        value = _without_conversions(value)
        if isinstance(value, ast.Name):
            if value.id in self.frames:
                self.frames[name] = self.frames[value.id]
        elif isinstance(value, ast.Call) and (kind := self._kind(value)):
            self.frames[name] = self._add(name, kind, value)

    def _called(self, call: ast.Call) -> None:
        chain = _chain(call.func)
        if chain[-1] == "forEachBatch":
            self._batches(call)
        elif self._is_sink_of_frames(chain):
            self._sink_called(self.frames[chain[0]], chain[1], call)
        elif any(each in WRITERS for each in chain) or "write" in chain:
            name = next(
                (
                    each.value.value
                    for each in call.keywords
                    if each.arg == "transformation_ctx"
                    and isinstance(each.value, ast.Constant)
                    and isinstance(each.value.value, str)
                    and each.value.value.isidentifier()
                ),
                f"datasink{len(self.nodes)}",
            )
            self._add(name, "DataSink", call)

    def _is_sink_of_frames(self, chain: Sequence[str]) -> bool:
        known = {node.id: node.node_type for node in self.nodes}
        return (
            len(chain) == 2
            and known.get(self.frames.get(chain[0], "")) == "DataSink"
            and chain[1] in ("setCatalogInfo", "setFormat", "writeFrame", "write")
        )

    def _sink_called(self, sink: str, method: str, call: ast.Call) -> None:
        node = next(each for each in self.nodes if each.id == sink)
        if method == "setFormat" and call.args:
            node.args.append(_argument("format", call.args[0]))
        if method in ("writeFrame", "write"):
            self._connect(sink, call)
        else:
            node.args += [_argument(each.arg, each.value) for each in call.keywords if each.arg]

    def _batches(self, call: ast.Call) -> None:
        """What is done with each batch of a stream is done with the stream."""
        given = {each.arg: each.value for each in call.keywords}
        for name, value in zip(("frame", "batch_function"), call.args, strict=False):
            given.setdefault(name, value)
        frame, function = given.get("frame"), given.get("batch_function")
        if isinstance(frame, ast.Name) and isinstance(function, ast.Name):
            body = self.functions.get(function.id)
            if body is not None and body.args.args and frame.id in self.frames:
                self.frames[body.args.args[0].arg] = self.frames[frame.id]
                self.read(body.body)

    def _kind(self, call: ast.Call) -> str | None:
        """The type of the node that a call makes, or None where it makes no frame."""
        chain = _chain(call.func)
        if any(each.startswith(READERS) for each in chain):
            return "DataSource"
        if any(each in WRITERS for each in chain):
            return "DataSink"
        if not self._read_by(call):
            reads = chain[0] == "spark" and any(each in SESSION_READERS for each in chain[1:])
            return "DataSource" if reads else None
        name = chain[-2] if chain[-1] == "apply" and len(chain) > 1 else chain[-1]
        if chain[0] not in self.frames:
            return name
        return "".join(part[:1].upper() + part[1:] for part in name.split("_"))

    def _add(self, name: str, kind: str, call: ast.Call) -> str:
        taken = {node.id for node in self.nodes}
        identifier, number = name[:ID_LENGTH_MAX], 2
        while identifier in taken:
            suffix = f"_{number}"
            identifier, number = name[: ID_LENGTH_MAX - len(suffix)] + suffix, number + 1
        arguments = [
            _argument(each.arg, each.value)
            for each in call.keywords
            if each.arg and not self._names(each.value)
        ]
        self.nodes.append(
            CodeGenNode(id=identifier, node_type=kind, args=arguments, line_number=call.lineno)
        )
        self._connect(identifier, call)
        return identifier

    def _connect(self, target: str, call: ast.Call) -> None:
        known = {edge.source for edge in self.edges if edge.target == target}
        for source, parameter in self._read_by(call):
            if source not in known and source != target:
                known.add(source)
                self.edges.append(
                    CodeGenEdge(source=source, target=target, target_parameter=parameter)
                )

    def _read_by(self, call: ast.Call) -> list[tuple[str, str]]:
        """The nodes that a call reads, each with the parameter that brings it."""
        found = [(name, "frame") for name in self._names(call.func)]
        for value in call.args:
            found += [(name, "frame") for name in self._names(value)]
        for each in call.keywords:
            found += [(name, each.arg or "frame") for name in self._names(each.value)]
        return found

    def _names(self, value: ast.expr) -> list[str]:
        names = (each.id for each in _walk(value) if isinstance(each, ast.Name))
        return [self.frames[name] for name in names if name in self.frames]


def _walk(value: ast.AST) -> Iterator[ast.AST]:
    """The parts of an expression in the order of its text."""
    yield value
    for child in ast.iter_child_nodes(value):
        yield from _walk(child)


def _without_conversions(value: ast.expr) -> ast.expr:
    """What is turned into a DataFrame, or into a DynamicFrame."""
    while isinstance(value, ast.Call):
        chain = _chain(value.func)
        if chain[-1] == "toDF" and isinstance(value.func, ast.Attribute):
            value = value.func.value
        elif chain[-1] == "fromDF" and value.args:
            value = value.args[0]
        else:
            break
    return value


def _chain(value: ast.expr) -> list[str]:
    """The names of `a.b(…).c`, from the first on."""
    names: list[str] = []
    while True:
        match value:
            case ast.Attribute():
                names.append(value.attr)
                value = value.value
            case ast.Call():
                value = value.func
            case ast.Subscript():
                value = value.value
            case ast.Name():
                names.append(value.id)
                return names[::-1]
            case _:
                return ["", *names[::-1]]


def _argument(name: str, value: ast.expr) -> CodeGenNodeArg:
    match value:
        case ast.Subscript(value=ast.Name(id="args"), slice=ast.Constant(value=str() as key)):
            return CodeGenNodeArg(name=name, value=key, param=True)
    return CodeGenNodeArg(name=name, value=ast.unparse(value), param=False)
