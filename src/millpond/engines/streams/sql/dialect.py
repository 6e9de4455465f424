"""Flink SQL's queries: text to a syntax tree that tells where in the program each part stands.

sqlglot reads what SQL has in common; here is what Flink has of its own. Every call of a function
stays `exp.Anonymous` under the name that it was written with (`COUNT(*)` has an `exp.Star`,
`COUNT(DISTINCT x)` an `exp.Distinct`; FILTER and OVER stand around it as `exp.Filter`,
`exp.Window`), and forms with words in them become plain arguments: `FLOOR(ts TO DAY)` is FLOOR with
`ts` and `exp.Var` DAY, `SUBSTRING(s FROM 2 FOR 3)` is SUBSTRING with three arguments. Nodes of our
own are below, and in json_calls.py and window_tables.py.

Positions: tokens are moved to where they stand in the program before they are parsed.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.parser import Parser
from sqlglot.tokens import Token, Tokenizer, TokenType

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.json_calls import JSON_CALLS, JsonCalls
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.sql.types import read_type
from millpond.engines.streams.sql.window_tables import WindowTables
from millpond.engines.streams.types import DataType


class TypeName(exp.Expression):  # type: ignore[misc]
    """A type; `this` is the `DataType`."""

    arg_types: ClassVar = {"this": True}

    @property
    def type_named(self) -> DataType:
        kind: DataType = self.args["this"]
        return kind


class TimeLiteral(exp.Expression):  # type: ignore[misc]
    """`DATE '…'`, `TIME '…'`, `TIMESTAMP '…'`: `this` is the word, `text` what is quoted."""

    arg_types: ClassVar = {"this": True, "text": True}


_NO_PARENTHESES = (
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "LOCALTIME",
    "LOCALTIMESTAMP",
)
_INTERVAL_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
_FOREIGN_OPERATORS = (
    TokenType.DOTCOLON, TokenType.DCOLON, TokenType.ARROW, TokenType.DARROW, TokenType.HASH_ARROW,
    TokenType.DHASH_ARROW, TokenType.PLACEHOLDER,
)  # fmt: skip
_KEPT_RANGES = (
    TokenType.BETWEEN, TokenType.IN, TokenType.IS, TokenType.LIKE, TokenType.SIMILAR_TO,
)  # fmt: skip


class FlinkTokenizer(Tokenizer):  # type: ignore[misc]
    IDENTIFIERS: ClassVar = ["`"]
    QUOTES: ClassVar = ["'"]
    HEX_STRINGS: ClassVar = [("x'", "'"), ("X'", "'")]
    UNICODE_STRINGS: ClassVar = [("U&'", "'"), ("u&'", "'")]
    COMMENTS: ClassVar = ["--", ("/*", "*/")]
    TOKENS_PRECEDING_HINT: ClassVar = {
        *Tokenizer.TOKENS_PRECEDING_HINT, TokenType.VAR, TokenType.IDENTIFIER,
    }  # fmt: skip
    KEYWORDS: ClassVar = {
        **{
            word: kind
            for word, kind in Tokenizer.KEYWORDS.items()
            if word not in ("{%", "{{+", "{{-")
        },
        "SIMILAR TO": TokenType.SIMILAR_TO,
    }


def _parse_json(parser: "FlinkParser", name: str) -> exp.Expr:
    return parser._parse_json(name)


class FlinkParser(WindowTables, JsonCalls, Parser):  # type: ignore[misc]
    FUNCTIONS: ClassVar[dict[str, Callable[..., Any]]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
        "CAST": lambda self: self._parse_typed(exp.Cast),
        "TRY_CAST": lambda self: self._parse_typed(exp.TryCast),
        "TRIM": Parser.FUNCTION_PARSERS["TRIM"],
        "CEIL": lambda self: self._parse_to("CEIL"),
        "CEILING": lambda self: self._parse_to("CEIL"),
        "FLOOR": lambda self: self._parse_to("FLOOR"),
        "EXTRACT": lambda self: self._parse_extract_unit(),
        "TIMESTAMPADD": lambda self: self._parse_unit_first("TIMESTAMPADD"),
        "TIMESTAMPDIFF": lambda self: self._parse_unit_first("TIMESTAMPDIFF"),
        "POSITION": lambda self: self._parse_words("POSITION", ("IN", "FROM")),
        "SUBSTRING": lambda self: self._parse_words("SUBSTRING", ("FROM", "FOR")),
        "OVERLAY": lambda self: self._parse_words("OVERLAY", ("PLACING", "FROM", "FOR")),
        **{name: partial(_parse_json, name=name) for name in JSON_CALLS},
    }  # fmt: skip
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
        "CASE": Parser.NO_PAREN_FUNCTION_PARSERS["CASE"],
    }
    FUNC_TOKENS = Parser.FUNC_TOKENS | {TokenType.CHAR, TokenType.SESSION}
    COLUMN_OPERATORS: ClassVar = {
        token: build
        for token, build in Parser.COLUMN_OPERATORS.items()
        if token not in _FOREIGN_OPERATORS
    }
    RANGE_PARSERS: ClassVar = {token: Parser.RANGE_PARSERS[token] for token in _KEPT_RANGES}
    PLACEHOLDER_PARSERS: ClassVar[dict[TokenType, Any]] = {}
    LAMBDAS: ClassVar[dict[TokenType, Any]] = {}

    def _upper(self) -> str:
        return self._curr.text.upper() if self._curr else ""

    def _is_word(self, *words: str) -> bool:
        return self._upper() in words and self._curr.token_type not in (
            TokenType.STRING,
            TokenType.IDENTIFIER,
        )

    def _parse_csv(
        self, parse_method: Callable[[], Any], sep: TokenType = TokenType.COMMA
    ) -> list[Any]:
        """A list whose commas all have something behind them."""
        found = parse_method()
        items = [] if found is None else [found]
        while self._match(sep):
            found = parse_method()
            if found is None:
                self.raise_error("Expecting an expression")
            items.append(found)
        return items

    def _parse_atom(self) -> exp.Expr | None:
        if self._is_literal() or self._is_word("INTERVAL", *_NO_PARENTHESES):
            return None
        return super()._parse_atom()

    def _parse_type(
        self, parse_interval: bool = True, fallback_to_identifier: bool = False
    ) -> exp.Expr | None:
        """An operand: Flink writes types only after CAST's AS."""
        if self._is_literal():
            token = self._curr
            self._advance(2)
            literal = TimeLiteral(this=token.text.upper(), text=self._prev.text)
            return literal.update_positions(token)
        if self._is_word("INTERVAL") and self._next.token_type == TokenType.STRING:
            return self._parse_interval()
        return self._parse_column()

    def _is_literal(self) -> bool:
        return self._is_word("DATE", "TIME", "TIMESTAMP") and (
            self._next.token_type == TokenType.STRING
        )

    def _parse_interval(
        self, require_interval: bool = True, parse_function_unit: bool = True
    ) -> exp.Expr | None:
        if not self._is_word("INTERVAL") or self._next.token_type != TokenType.STRING:
            return None
        token = self._curr
        self._advance(2)
        text = exp.Literal.string(self._prev.text).update_positions(self._prev)
        unit: exp.Expr = self._parse_unit(sized=True)
        if self._match_text_seq("TO"):
            unit = exp.IntervalSpan(this=unit, expression=self._parse_unit(sized=True))
        interval: exp.Expr = exp.Interval(this=text, unit=unit).update_positions(token)
        return interval

    def _parse_unit(self, sized: bool = False) -> exp.Expr:
        """A unit of time by its singular name."""
        word = self._upper()
        token = self._curr
        if not token or not word.isidentifier():
            self.raise_error("Expecting a unit of time")
        self._advance()
        if sized and word.endswith("S") and word[:-1] in _INTERVAL_UNITS:
            word = word[:-1]
        if sized and word not in _INTERVAL_UNITS:
            self.raise_error("Expecting a unit of time", token)
        if sized and self._match(TokenType.L_PAREN):
            self._match_set((TokenType.NUMBER,))
            while self._match(TokenType.COMMA):
                self._match_set((TokenType.NUMBER,))
            self._match_r_paren()
        unit: exp.Expr = exp.Var(this=word).update_positions(token)
        return unit

    def _parse_function_call(
        self,
        functions: Any = None,
        anonymous: bool = False,
        optional_parens: bool = True,
        any_token: bool = False,
    ) -> exp.Expr | None:
        token = self._curr
        after_dot = self._prev and self._prev.token_type == TokenType.DOT
        if self._is_word(*_NO_PARENTHESES) and not after_dot:
            self._advance()
            if self._match(TokenType.L_PAREN):
                if self._match_set((TokenType.NUMBER,)):
                    self.raise_error("Expecting no precision", self._prev)
                self._match_r_paren()
            return exp.Anonymous(this=token.text, expressions=[]).update_positions(token)
        if self._is_word("ROW", "ARRAY", "MAP") and not after_dot:
            built = self._parse_constructor()
            if built is not None:
                return built.update_positions(token)
        found = super()._parse_function_call(functions, anonymous, optional_parens, any_token)
        inner = found
        while isinstance(inner, exp.Window | exp.Filter | exp.WithinGroup):
            inner = inner.this
        if inner is not None and inner._meta is None:
            inner.update_positions(token)
        return found

    def _parse_constructor(self) -> exp.Expr | None:
        """`ROW(…)`, `ARRAY[…]`, `MAP[…]`, as calls of these names."""
        name = self._upper()
        bracket = TokenType.L_PAREN if name == "ROW" else TokenType.L_BRACKET
        if self._next.token_type != bracket:
            return None
        self._advance(2)
        close = TokenType.R_PAREN if name == "ROW" else TokenType.R_BRACKET
        values: list[exp.Expr] = []
        if not self._match(close):
            values = self._parse_csv(self._parse_disjunction)
            if not self._match(close):
                self.raise_error("Expecting )" if name == "ROW" else "Expecting ]")
        return exp.Anonymous(this=name, expressions=values)

    def _parse_typed(self, kind: type[exp.Expr]) -> exp.Expr:
        """`value AS type` of CAST and TRY_CAST."""
        value = self._parse_disjunction()
        if value is None:
            self.raise_error("Expecting an expression")
        if not self._match(TokenType.ALIAS):
            self.raise_error("Expecting AS")
        return kind(this=value, to=self._parse_type_name())

    def _parse_type_name(self) -> exp.Expr:
        token = self._curr
        named, index = read_type(self._tokens, self._index)
        self._advance(index - self._index)
        name: exp.Expr = TypeName(this=named).update_positions(token)
        return name

    def _parse_to(self, name: str) -> exp.Expr:
        arguments = self._parse_csv(self._parse_disjunction)
        if self._match_text_seq("TO"):
            arguments.append(self._parse_unit())
        return exp.Anonymous(this=name, expressions=arguments)

    def _parse_extract_unit(self) -> exp.Expr:
        unit = self._parse_unit()
        if not self._match(TokenType.FROM):
            self.raise_error("Expecting FROM")
        return exp.Anonymous(this="EXTRACT", expressions=[unit, self._parse_disjunction()])

    def _parse_unit_first(self, name: str) -> exp.Expr:
        unit = self._parse_unit()
        if not self._match(TokenType.COMMA):
            self.raise_error("Expecting ,")
        rest = self._parse_csv(self._parse_disjunction)
        return exp.Anonymous(this=name, expressions=[unit, *rest])

    def _parse_words(self, name: str, words: tuple[str, ...]) -> exp.Expr:
        """Arguments with one of `words` or a comma before each but the first."""
        arguments = [self._parse_bitwise()]
        while self._match(TokenType.COMMA) or self._match_texts(words):
            arguments.append(self._parse_bitwise())
        return exp.Anonymous(this=name, expressions=arguments)


class Flink(Dialect):  # type: ignore[misc]
    """`COMPLETE` is a text up to the string, name or comment that does not end."""

    INDEX_OFFSET = 0
    Tokenizer = FlinkTokenizer
    Parser = FlinkParser
    BANG_EQUAL: ClassVar = False
    COMPLETE: ClassVar[Any] = re.compile(
        r"(?:'(?:[^']|'')*'|`(?:[^`]|``)*`|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|(?!/\*|--)[^'`])*+"
    )


_DIALECT = Flink()


def tokens_of(text: str, at: Position, dialect: Flink = _DIALECT) -> list[Token]:
    """The tokens of a text that stands `at` this place; `line` and `col` of each are where it
    begins in the program.

    Raises:
        Refused: a string or name does not end.
    """
    starts = [0] + [index + 1 for index, letter in enumerate(text) if letter == "\n"]
    try:
        tokens: list[Token] = dialect.tokenize(text)
    except SqlglotError as error:
        place = dialect.COMPLETE.match(text).end()
        line = bisect_right(starts, place) - 1
        raise Refused(
            "SQL parse failed. A string, a name or a comment does not end",
            at.line + line,
            place - starts[line] + (at.column if line == 0 else 1),
        ) from error
    line = 0
    for token in tokens:
        while line + 1 < len(starts) and starts[line + 1] <= token.start:
            line += 1
        token.line = at.line + line
        token.col = token.start - starts[line] + (at.column if line == 0 else 1)
        is_bang = token.token_type == TokenType.NEQ and text[token.start] == "!"
        if is_bang and not dialect.BANG_EQUAL:
            raise Refused(
                "SQL parse failed. Bang equal '!=' is not allowed under the current SQL conformance"
                " level; write '<>'",
                token.line,
                token.col,
            )
        _refuse_foreign(token)
    return tokens


def _refuse_foreign(token: Token) -> None:
    """What would be read as something else."""
    if token.token_type == TokenType.UNKNOWN and not token.text.isidentifier():
        raise _encountered(token)
    if token.token_type == TokenType.HINT and token.comments:
        what = f"The hint {token.comments[0].strip()}"
    elif token.token_type == TokenType.VAR and token.text.upper() == "MATCH_RECOGNIZE":
        what = "MATCH_RECOGNIZE"
    else:
        return
    raise Refused(f"{what} is not supported", token.line, token.col, needs_flink=True)


def parse_query(text: str, at: Position, dialect: Flink = _DIALECT) -> exp.Expr:
    """The tree of a query (`exp.Select`, `exp.Union`, `exp.Values` …) whose text begins `at`.

    Raises:
        Refused: it is none, with the place where it stops being one.
    """
    tree = _parse(text, at, FlinkParser._parse_statement, dialect)
    if not isinstance(tree, exp.Query | exp.Values):
        raise Refused("A query was expected here", at.line, at.column)
    if isinstance(tree, exp.Select) and not tree.expressions:
        raise Refused("SQL parse failed. SELECT selects nothing", at.line, at.column)
    return tree


def parse_expression(text: str, at: Position) -> exp.Expr:
    """The tree of one expression.

    Raises:
        Refused: it is none.
    """
    return _parse(text, at, FlinkParser._parse_disjunction)


def parse_type(text: str, at: Position) -> DataType:
    """The type that a text is.

    Raises:
        Refused: it is none, or one that this engine has not.
    """
    tokens = tokens_of(text, at)
    if not tokens:
        raise Refused("A type was expected here", at.line, at.column)
    found, index = read_type(tokens)
    if index < len(tokens):
        raise _encountered(tokens[index])
    return found


def _parse(
    text: str, at: Position, method: Callable[..., Any], dialect: Flink = _DIALECT
) -> exp.Expr:
    tokens = tokens_of(text, at, dialect)
    if not tokens:
        raise Refused("SQL parse failed. There is no text here", at.line, at.column)
    parser = dialect.parser_class(dialect=dialect)
    try:
        trees = parser._parse(parse_method=method, raw_tokens=tokens, sql=text)
    except SqlglotError as error:
        raise _refusal(error, at) from error
    except RecursionError as error:
        raise Refused("The statement nests too deeply", at.line, at.column) from error
    trees = [tree for tree in trees if tree is not None]
    if len(trees) != 1:
        raise Refused("One statement was expected here", at.line, at.column)
    tree: exp.Expr = trees[0]
    return tree


def _encountered(token: Token) -> Refused:
    return Refused(f'SQL parse failed. Encountered "{token.text}"', token.line, token.col)


def _refusal(error: Any, at: Position) -> Refused:
    details = (getattr(error, "errors", None) or [{}])[0]
    line, column = details.get("line"), details.get("col")
    if not line or not column:
        return Refused(f"SQL parse failed. {str(error).splitlines()[0]}", at.line, at.column)
    said = str(details.get("description") or "")
    hint = (
        f". {said}" if said.startswith(("Expect", "TUMBLE", "HOP", "CUMULATE", "SESSION")) else ""
    )
    return Refused(
        f'SQL parse failed. Encountered "{details.get("highlight")}"{hint}', line, column
    )


def position_of(node: exp.Expr) -> Position:
    """Where a node begins in the program; line 0 if none of its parts knows."""
    best: tuple[int, int] | None = None
    for part in node.walk():
        if part._meta and "line" in part._meta:
            place = (part._meta["line"], part._meta["col"])
            best = place if best is None else min(best, place)
    return Position(*best) if best else Position(0, 0)
