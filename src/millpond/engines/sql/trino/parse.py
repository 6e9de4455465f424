"""Text to syntax tree: sqlglot's Trino parser, made to keep what is written.

sqlglot parses to translate: it gives functions one name for all dialects, moves subscripts to
start at 0, and takes other dialects' operators. Here every call stays `exp.Anonymous` under the
name it was written with, subscripts stay as they are, and what Trino has not is refused. What the
parser takes beyond Trino's grammar is refused where the tree is read (`reading.only`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from millpond.engines.sql.trino.errors import Position, StatementError

_BEGINNINGS = ("SELECT", "WITH", "VALUES", "TABLE", "(")

_KEPT_PARSERS = ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "TRIM")
_FOREIGN_OPERATORS = (
    TokenType.DOTCOLON,
    TokenType.DCOLON,
    TokenType.ARROW,
    TokenType.DARROW,
    TokenType.HASH_ARROW,
    TokenType.DHASH_ARROW,
    TokenType.PLACEHOLDER,
)


def _parse_substring(parser: Any) -> exp.Expr:
    """`substring(x FROM start [FOR length])` beside the form with commas."""
    arguments = parser._parse_csv(parser._parse_bitwise)
    if parser._match(TokenType.FROM):
        arguments.append(parser._parse_bitwise())
        if parser._match(TokenType.FOR):
            arguments.append(parser._parse_bitwise())
    return exp.Anonymous(this="substring", expressions=arguments)


def _parse_placeholder(parser: Any) -> exp.Expr:
    """A `?` that remembers where it stands: parameters are given in the order of the text."""
    placeholder: exp.Expr = exp.Placeholder().update_positions(parser._prev)
    return placeholder


class _Faithful(Trino):  # type: ignore[misc]
    """Trino's dialect with nothing renamed."""

    INDEX_OFFSET = 0

    class Parser(Trino.Parser):  # type: ignore[misc]
        FUNCTIONS: dict[str, Callable[..., Any]] = {}
        FUNCTION_PARSERS = {
            **{name: Trino.Parser.FUNCTION_PARSERS[name] for name in _KEPT_PARSERS},
            "SUBSTRING": _parse_substring,
        }
        PLACEHOLDER_PARSERS = {TokenType.PLACEHOLDER: _parse_placeholder}
        COLUMN_OPERATORS = {
            token: build
            for token, build in Trino.Parser.COLUMN_OPERATORS.items()
            if token not in _FOREIGN_OPERATORS
        }


_DIALECT = _Faithful()


def parse_query(text: str) -> exp.Expr:
    """The tree of one query.

    Raises:
        StatementError: SYNTAX_ERROR with the place where the text stops being Trino's SQL.
    """
    try:
        tokens = _DIALECT.tokenize(text)
    except SqlglotError as error:
        raise StatementError("SYNTAX_ERROR", f"{error}".splitlines()[0], (1, 1)) from error
    if not tokens or tokens[0].text.upper() not in _BEGINNINGS:
        first = tokens[0] if tokens else None
        raise mismatched(first.text if first else "<EOF>", _place(first) if first else (1, 1))
    try:
        trees = sqlglot.parse(text, dialect=_DIALECT)
    except SqlglotError as error:
        raise _refuse(error) from error
    except RecursionError as error:
        raise too_deep() from error
    except Exception as error:  # the parser stumbles over some texts that nobody would write
        raise StatementError(
            "SYNTAX_ERROR", f"The query cannot be read: {error}", (1, 1)
        ) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query | exp.Values):
        raise mismatched(tokens[0].text, _place(tokens[0]))
    return trees[0]


def parse_expression(text: str) -> exp.Expr:
    """The tree of one expression, such as the value of a parameter.

    Raises:
        StatementError: SYNTAX_ERROR.
    """
    tree = parse_query(f"SELECT {text}")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or len(_present(tree)) != 1:
        raise StatementError("SYNTAX_ERROR", f"mismatched input '{text}'. Expecting: <expression>")
    return tree.expressions[0]


def _present(node: exp.Expr) -> list[str]:
    return [name for name, value in node.args.items() if value]


def mismatched(text: str, position: Position | None) -> StatementError:
    return StatementError("SYNTAX_ERROR", f"mismatched input '{text}'", position)


def too_deep() -> StatementError:
    return StatementError(
        "EXCEEDED_NESTING_LIMIT", "The query is too complex: its expressions nest too deeply"
    )


def _refuse(error: Any) -> StatementError:
    details = (getattr(error, "errors", None) or [{}])[0]
    highlight = details.get("highlight")
    line, column = details.get("line"), details.get("col")
    if not line or not column:
        return StatementError("SYNTAX_ERROR", str(error).splitlines()[0], (1, 1))
    start = max(1, column - len(highlight or "") + 1)
    expecting = str(details.get("description") or "")
    hint = f". Expecting: '{expecting[10:]}'" if expecting.startswith("Expecting ") else ""
    return StatementError("SYNTAX_ERROR", f"mismatched input '{highlight}'{hint}", (line, start))


def _place(token: Any) -> tuple[int, int]:
    return token.line, max(1, token.col - (token.end - token.start))


def position_of(node: exp.Expr) -> Position:
    """Where a node begins, to be found when it is asked for."""
    return partial(_find_position, node)


def _find_position(node: exp.Expr) -> tuple[int, int] | None:
    """Where a node begins, as far as its parts remember."""
    best: tuple[int, tuple[int, int]] | None = None
    for part in node.walk():
        start = part._meta.get("start") if part._meta else None
        if start is not None and (best is None or start < best[0]):
            meta = part.meta
            column = meta["col"] - (meta["end"] - meta["start"])
            best = (start, (meta["line"], max(1, column)))
    return None if best is None else best[1]
