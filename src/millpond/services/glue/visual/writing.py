"""What a script is put together from, while its nodes are written one by one."""

from dataclasses import dataclass, field

from millpond.services.glue.visual.graph import Graph, Node
from millpond.services.glue.visual.kinds import kind_of
from millpond.services.glue.visual.layout import INDENT, Expression, laid_out
from millpond.services.glue.visual.names import TAKEN, comment, free_name


@dataclass
class Writing:
    """The script so far.

    `imports` are lines beside those that every script has, `helpers` names of functions in
    `snippets`, `functions` the users' own by their names. `lines` are of the nodes, in order;
    `batch` of those that run for each batch of a stream, `streamed`; `after_batch` is
    the statement that starts the stream.
    """

    graph: Graph
    variables: dict[str, str]
    imports: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)
    functions: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    batch: list[str] = field(default_factory=list)
    streamed: frozenset[str] = frozenset()
    after_batch: str = ""
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.taken |= TAKEN | set(self.variables.values())

    def fresh(self, wanted: str) -> str:
        """A name that nothing in the script has yet."""
        name = free_name(wanted, self.taken)
        self.taken.add(name)
        return name

    def variable(self, node: Node) -> str:
        return self.variables[node.id]

    def frame(self, node: Node, place: int = 0) -> str:
        """The variable of an input of a node.

        Raises:
            InvalidInput: the input gives a collection of frames.
        """
        source = self.graph.nodes[node.inputs[place]]
        if kind_of(source.kind).collects:
            raise node.refusal(
                f"its input '{source.id}' gives a collection of frames. "
                "Put a SelectFromCollection between the two."
            )
        return self.variable(source)

    def begin(self, node: Node) -> None:
        """Say which node the next statements are of."""
        said = f"# Script generated for node {comment(node.name)}".rstrip()
        self._lines(node).extend(["", f"{self._indent(node)}{said}"])

    def assign(self, node: Node, expression: Expression) -> None:
        """Give the variable of a node its value."""
        self.let(node, self.variable(node), expression)

    def let(self, node: Node, variable: str, expression: Expression) -> None:
        """Give another variable its value."""
        self.put(node, laid_out(f"{variable} = ", expression, depth=self._depth(node)))

    def state(self, node: Node, expression: Expression) -> None:
        """Add an expression that stands alone."""
        self.put(node, laid_out("", expression, depth=self._depth(node)))

    def put(self, node: Node, statement: str) -> None:
        """Add a statement, laid out but for the beginning of its first line."""
        self._lines(node).extend(f"{self._indent(node)}{statement}".split("\n"))

    def _lines(self, node: Node) -> list[str]:
        return self.batch if node.id in self.streamed else self.lines

    def _depth(self, node: Node) -> int:
        return 1 if node.id in self.streamed else 0

    def _indent(self, node: Node) -> str:
        return INDENT * self._depth(node)
