"""SQL-1_0's queries: what its syntax has besides Flink SQL's.

Names stand in double quotes; words that are not quoted are upper case. Forms of its own become:
`STEP(x BY INTERVAL …)` a call of STEP, `FROM "s" OVER (…)` an `over` of the table (an
`exp.Window`), `WINDOWED BY` a `windowed` of the SELECT, `TABLE(F(CURSOR(SELECT …), …))` a
`TableFunction`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokens import Token, TokenType

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.dialect import (
    Flink,
    FlinkParser,
    FlinkTokenizer,
    TypeName,
    parse_query,
    tokens_of,
)
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.sql.types import read_type
from millpond.engines.streams.types import TIMESTAMP, DataType

_AS_WRITTEN = (
    TokenType.STRING, TokenType.IDENTIFIER, TokenType.HEX_STRING, TokenType.UNICODE_STRING,
)  # fmt: skip
_OF_ITS_OWN = {"REAL": DataType("FLOAT"), "FLOAT": DataType("DOUBLE")}
"""Types whose names mean something else in Flink SQL."""
_NOT_HERE = ("STRING", "BYTES")
TIME_BETWEEN = "TIME - TIME"
"""`(time - time) unit` as a call of this, with both times and the unit."""
_UNITS = ("SECOND", "MINUTE", "HOUR", "DAY")


class TableFunction(exp.Expression, exp.UDTF):  # type: ignore[misc]
    """`this` is the name in capitals, `cursor` the query, `expressions` the other arguments."""

    arg_types: ClassVar = {"this": True, "cursor": True, "expressions": False, "alias": False}


class Windowed(exp.Expression):  # type: ignore[misc]
    """`WINDOWED BY this (PARTITION BY expressions RANGE size)`."""

    arg_types: ClassVar = {"this": True, "expressions": False, "size": True}


class KdaTokenizer(FlinkTokenizer):
    IDENTIFIERS: ClassVar = ['"']
    KEYWORDS: ClassVar = {
        **{
            word: kind
            for word, kind in FlinkTokenizer.KEYWORDS.items()
            if kind != TokenType.CLUSTER_BY
        },
        "WINDOWED BY": TokenType.CLUSTER_BY,
    }


class KdaParser(FlinkParser):
    FUNCTION_PARSERS: ClassVar = {
        **FlinkParser.FUNCTION_PARSERS,
        "STEP": lambda self: self._parse_words("STEP", ("BY",)),
    }
    TABLE_ALIAS_TOKENS = Parser.TABLE_ALIAS_TOKENS - {TokenType.OVER}
    QUERY_MODIFIER_PARSERS: ClassVar = {
        **Parser.QUERY_MODIFIER_PARSERS,
        TokenType.CLUSTER_BY: lambda self: ("windowed", self._parse_windowed()),
    }

    def _parse_type_name(self) -> exp.Expr:
        token = self._curr
        named, index = read_kda_type(self._tokens, self._index)
        self._advance(index - self._index)
        name: exp.Expr = TypeName(this=named).update_positions(token)
        return name

    def _parse_primary(self) -> exp.Expr | None:
        found: exp.Expr | None = super()._parse_primary()
        is_difference = isinstance(found, exp.Paren) and isinstance(found.this, exp.Sub)
        if found is None or not is_difference or not self._is_word(*_UNITS):
            return found
        times = [found.this.this, found.this.expression]
        return exp.Anonymous(this=TIME_BETWEEN, expressions=[*times, self._parse_unit()])

    def _parse_table(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        alias_tokens = options.get("alias_tokens") or self.TABLE_ALIAS_TOKENS
        function = self._parse_table_function()
        if function is not None:
            function.set("alias", self._parse_table_alias(alias_tokens=alias_tokens))
            return function
        table: exp.Expr | None = super()._parse_table(*arguments, **options)
        if self._curr and self._curr.token_type == TokenType.OVER and table is not None:
            table.set("over", self._parse_window(exp.Var(this="FROM")))
            alias = self._parse_table_alias(alias_tokens=alias_tokens)
            if alias:
                table.set("alias", alias)
        return table

    def _parse_table_function(self) -> exp.Expr | None:
        index = self._index
        wrapped = self._match_pair(TokenType.TABLE, TokenType.L_PAREN)
        token = self._curr
        ahead = self._tokens[self._index + 1 : self._index + 3]
        if len(ahead) < 2 or ahead[0].token_type != TokenType.L_PAREN or ahead[1].text != "CURSOR":
            self._retreat(index)
            return None
        self._advance(3)
        function = TableFunction(this=token.text.upper()).update_positions(token)
        function.set("cursor", self._parse_wrapped(self._parse_select))
        while self._match(TokenType.COMMA):
            argument = self._parse_disjunction()
            if argument is None:
                self.raise_error("Expecting an expression")
            function.append("expressions", argument)
        self._match_r_paren()
        if wrapped:
            self._match_r_paren()
        found: exp.Expr = function
        return found

    def _parse_windowed(self) -> exp.Expr:
        self._advance()
        token = self._curr
        windowed = Windowed(this=self._upper()).update_positions(token)
        self._advance()
        if not self._match(TokenType.L_PAREN):
            self.raise_error("Expecting (")
        if self._match(TokenType.PARTITION_BY):
            windowed.set("expressions", self._parse_csv(self._parse_disjunction))
        if not self._match(TokenType.RANGE):
            self.raise_error("Expecting RANGE")
        size = self._parse_interval()
        if size is None:
            self.raise_error("Expecting an INTERVAL")
        windowed.set("size", size)
        self._match_text_seq("PRECEDING")
        self._match_r_paren()
        found: exp.Expr = windowed
        return found


class Kda(Flink):
    Tokenizer = KdaTokenizer
    Parser = KdaParser
    BANG_EQUAL: ClassVar = True
    COMPLETE: ClassVar[Any] = re.compile(
        r"(?:'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/"
        r"|(?!/\*|--)[^'\"])*+"
    )

    def tokenize(self, sql: str, opt: Any = None) -> list[Token]:
        """The tokens, words in capitals, without the STREAM of SELECT STREAM."""
        found: list[Token] = []
        tokens: list[Token] = super().tokenize(sql)
        for place, token in enumerate(tokens):
            if token.token_type not in _AS_WRITTEN:
                token.text = token.text.upper()
            if token.text == "STREAM" and _is_clause(tokens, place):
                continue
            found.append(token)
        return found


def _is_clause(tokens: Sequence[Token], place: int) -> bool:
    """Whether the word STREAM here belongs to SELECT."""
    before = tokens[place - 1].token_type if place else None
    after = tokens[place + 1].token_type if place + 1 < len(tokens) else None
    return before == TokenType.SELECT and after not in (
        TokenType.COMMA, TokenType.FROM, TokenType.ALIAS, TokenType.DOT, None,
    )  # fmt: skip


_DIALECT = Kda()


def kda_tokens(text: str) -> list[Token]:
    """The tokens of a program, with their places.

    Raises:
        Refused: a string, a name or a comment does not end.
    """
    return tokens_of(text, Position(1, 1), _DIALECT)


def parse_kda_query(text: str, at: Position) -> exp.Expr:
    """The tree of a query; names that were not quoted are in capitals.

    Raises:
        Refused: it is none, with the place where it stops being one.
    """
    return parse_query(text, at, _DIALECT)


def read_kda_type(tokens: Sequence[Any], index: int = 0) -> tuple[DataType, int]:
    """The type that begins at a token, and the index of the token after it.

    Raises:
        Refused: it is no type of SQL-1_0.
    """
    own = _OF_ITS_OWN.get(str(tokens[index].text).upper()) if index < len(tokens) else None
    if own is not None:
        return own, index + 1
    found, after = read_type(tokens, index)
    if found.name == "TIMESTAMP_LTZ" or found.fields or str(tokens[index].text) in _NOT_HERE:
        token = tokens[index]
        raise Refused(f"The type {token.text} is unknown", token.line, token.col)
    if found.name == "TIMESTAMP":
        found = replace(found, parameters=TIMESTAMP.parameters)
    return found, after


def kda_type(text: str) -> DataType:
    """The type that a text is.

    Raises:
        Refused: it is none.
    """
    tokens = kda_tokens(text)
    if not tokens:
        raise Refused("A type is empty")
    found, after = read_kda_type(tokens)
    if after < len(tokens):
        raise Refused(f"'{text}' is no type")
    return found
