"""Finding calls in an expression, and putting names in the place of what is computed elsewhere."""

from collections.abc import Callable, Iterator

from sqlglot import exp

from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.json_calls import JsonCall

Replace = Callable[[exp.Expr], exp.Expr | None]


def call_name(node: exp.Expr) -> str | None:
    """The name of a function's call, in capitals; None of anything else."""
    if isinstance(node, exp.Anonymous) and isinstance(node.this, str):
        return node.this.upper()
    return str(node.this).upper() if isinstance(node, JsonCall) else None


def replaced(tree: exp.Expr, replace: Replace) -> exp.Expr:
    """A copy of a tree in which the outermost parts for which `replace` answers are what it
    answers."""
    answer = replace(tree)
    if answer is not None:
        return answer
    copy = tree.copy()
    _replace_below(tree, copy, replace)
    return copy


def _replace_below(tree: exp.Expr, copy: exp.Expr, replace: Replace) -> None:
    for original, child in zip(
        list(tree.iter_expressions()), list(copy.iter_expressions()), strict=True
    ):
        answer = replace(original)
        if answer is not None:
            child.replace(answer)
        else:
            _replace_below(original, child, replace)


def outermost(tree: exp.Expr, wanted: Callable[[exp.Expr], bool]) -> Iterator[exp.Expr]:
    """The parts of a tree that are wanted and in no other one; not those of subqueries."""
    if wanted(tree):
        yield tree
        return
    if isinstance(tree, exp.Query):
        return
    for child in tree.iter_expressions():
        yield from outermost(child, wanted)


def placeholder(name: str, like: exp.Expr) -> exp.Column:
    """A column that stands for a part of the query, at its place in the text."""
    at = position_of(like)
    identifier = exp.Identifier(this=name, quoted=True)
    identifier.meta.update({"line": at.line, "col": at.column})
    return exp.Column(this=identifier)


def named(table: str | None, name: str, like: exp.Expr) -> exp.Column:
    """A column by its name, at the place of another part of the text."""
    column = placeholder(name, like)
    if table is not None:
        column.set("table", exp.Identifier(this=table, quoted=True))
    return column


def column_parts(node: exp.Expr) -> tuple[str, ...] | None:
    """The name that a column's tree is; None of anything else."""
    if isinstance(node, exp.Paren):
        return column_parts(node.this)
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
        return tuple(part.name for part in node.parts)
    if isinstance(node, exp.Dot):
        parts = [part.name for part in node.parts]
        return (
            tuple(parts) if all(isinstance(part, exp.Identifier) for part in node.parts) else None
        )
    return None


def conjuncts(tree: exp.Expr | None) -> list[exp.Expr]:
    """What AND joins together."""
    if tree is None:
        return []
    if isinstance(tree, exp.Paren):
        return conjuncts(tree.this)
    if isinstance(tree, exp.And):
        return [*conjuncts(tree.left), *conjuncts(tree.right)]
    return [tree]


def conjunction(trees: list[exp.Expr]) -> exp.Expr | None:
    """Trees joined by AND; None of none."""
    found: exp.Expr | None = None
    for tree in trees:
        wrapped = exp.Paren(this=tree.copy())
        found = wrapped if found is None else exp.And(this=found, expression=wrapped)
    return found


def names_in(tree: exp.Select) -> set[str] | None:
    """All names that a SELECT writes down itself; None where it has a `*`."""
    found: set[str] = set()
    if any(
        isinstance(each, exp.Star)
        or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star))
        for each in tree.expressions
    ):
        return None
    for node in tree.walk():
        if isinstance(node, exp.Identifier):
            found.add(node.name)
    return found
