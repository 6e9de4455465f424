"""Window table functions in FROM, and how they are parsed."""

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokens import TokenType

WINDOW_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "TUMBLE": ("DATA", "TIMECOL", "SIZE", "OFFSET"),
    "HOP": ("DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"),
    "CUMULATE": ("DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"),
    "SESSION": ("DATA", "TIMECOL", "GAP"),
}
"""The window table functions and their parameters, in order."""


class WindowTable(exp.Expression, exp.UDTF):  # type: ignore[misc]
    """`TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTES))` in FROM, with or without
    TABLE(). `this` is the function's name in capitals, `data` an `exp.Table` or `exp.Subquery`,
    `time` the time column's `exp.Identifier`, `keys` the columns of PARTITION BY; `size`, `slide`,
    `step`, `gap`, `offset` are `exp.Interval`s where they were given."""

    arg_types: ClassVar = {
        "this": True, "data": True, "time": True, "keys": False, "size": False, "slide": False,
        "step": False, "gap": False, "offset": False, "alias": False,
    }  # fmt: skip


class WindowTables(Parser):  # type: ignore[misc]
    """The part of the parser of Flink's SQL that reads them."""

    def _parse_table(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        window = self._parse_window_table()
        if window is None:
            table: exp.Expr | None = super()._parse_table(*arguments, **options)
            return table
        alias = self._parse_table_alias(
            alias_tokens=options.get("alias_tokens") or self.TABLE_ALIAS_TOKENS
        )
        if alias:
            window.set("alias", alias)
        return window

    def _parse_window_table(self) -> exp.Expr | None:
        index = self._index
        wrapped = self._match_pair(TokenType.TABLE, TokenType.L_PAREN)
        name = self._upper()
        if name not in WINDOW_FUNCTIONS or self._next.token_type != TokenType.L_PAREN:
            self._retreat(index)
            return None
        token = self._curr
        self._advance(2)
        window = WindowTable(this=name).update_positions(token)
        names = WINDOW_FUNCTIONS[name]
        given: set[str] = set()
        while True:
            place = self._curr
            if self._next and self._next.token_type == TokenType.FARROW:
                parameter = self._upper()
                self._advance(2)
            else:
                parameter = names[min(len(given), len(names) - 1)]
            if parameter not in names or parameter in given:
                self.raise_error(f"{name} has no such parameter", place)
            given.add(parameter)
            self._parse_window_argument(window, parameter)
            if not self._match(TokenType.COMMA):
                break
        self._match_r_paren()
        missing = [one for one in names if one != "OFFSET" and one not in given]
        if missing:
            self.raise_error(f"{name} lacks {missing[0]}", token)
        if wrapped:
            self._match_r_paren()
        return window

    def _parse_window_argument(self, window: exp.Expr, parameter: str) -> None:
        if parameter == "DATA":
            wrapped = False
            if self._match(TokenType.TABLE):
                wrapped = bool(self._match(TokenType.L_PAREN))
                window.set("data", self._parse_table_parts())
            elif self._match(TokenType.L_PAREN, advance=False):
                window.set("data", self._parse_subquery(self._parse_wrapped(self._parse_select)))
            else:
                self.raise_error("Expecting TABLE")
            if wrapped:
                self._match_r_paren()
            if self._match(TokenType.PARTITION_BY):
                if self._match(TokenType.L_PAREN):
                    keys = self._parse_csv(self._parse_column)
                    self._match_r_paren()
                else:
                    keys = [self._parse_column()]
                    while self._match_window_key():
                        keys.append(self._parse_column())
                window.set("keys", keys)
        elif parameter == "TIMECOL":
            if not self._match_text_seq("DESCRIPTOR"):
                self.raise_error("Expecting DESCRIPTOR")
            window.set("time", self._parse_wrapped(self._parse_id_var))
        else:
            interval = self._parse_interval()
            if interval is None:
                self.raise_error("Expecting an INTERVAL")
            window.set(parameter.lower(), interval)

    def _match_window_key(self) -> bool:
        """A comma before another key, not before the next argument."""
        ahead = self._tokens[self._index + 1 : self._index + 3]
        if len(ahead) < 2 or ahead[0].text.upper() == "DESCRIPTOR":
            return False
        if ahead[1].token_type == TokenType.FARROW:
            return False
        return bool(self._match(TokenType.COMMA))
