"""JSON functions with words between their arguments, and how they are parsed."""

from typing import ClassVar

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokens import TokenType

JSON_CALLS = (
    "JSON_VALUE", "JSON_QUERY", "JSON_EXISTS", "JSON_OBJECT", "JSON_ARRAY", "JSON_OBJECTAGG",
    "JSON_ARRAYAGG",
)  # fmt: skip
_JSON_WRAPPERS = {
    ("WITHOUT", "ARRAY", "WRAPPER"): "WITHOUT",
    ("WITHOUT", "WRAPPER"): "WITHOUT",
    ("WITH", "CONDITIONAL", "ARRAY", "WRAPPER"): "CONDITIONAL",
    ("WITH", "CONDITIONAL", "WRAPPER"): "CONDITIONAL",
    ("WITH", "UNCONDITIONAL", "ARRAY", "WRAPPER"): "UNCONDITIONAL",
    ("WITH", "UNCONDITIONAL", "WRAPPER"): "UNCONDITIONAL",
    ("WITH", "ARRAY", "WRAPPER"): "UNCONDITIONAL",
    ("WITH", "WRAPPER"): "UNCONDITIONAL",
}


class JsonCall(exp.Expression):  # type: ignore[misc]
    """JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY and their aggregates: `this` is
    the name in capitals. `returning` is a `TypeName`; `on_empty`, `on_error` the words (`NULL`,
    `ERROR`, `EMPTY ARRAY` …) or the expression of DEFAULT; `wrapper` and `on_null` words.
    JSON_OBJECT has keys and values by turns."""

    arg_types: ClassVar = {
        "this": True, "expressions": False, "returning": False, "on_empty": False,
        "on_error": False, "wrapper": False, "on_null": False,
    }  # fmt: skip


class JsonCalls(Parser):  # type: ignore[misc]
    """The part of the parser of Flink's SQL that reads them."""

    def _parse_json(self, name: str) -> exp.Expr:
        call = JsonCall(this=name)
        arguments: list[exp.Expr] = []
        while not self._match(TokenType.R_PAREN, advance=False) and not (
            self._is_word("NULL", "ABSENT") and self._next.token_type == TokenType.ON
        ):
            if name.startswith("JSON_OBJECT"):
                self._match_text_seq("KEY")
                arguments.append(self._parse_bitwise())
                if not self._match_text_seq("VALUE") and not self._match(TokenType.COLON):
                    self.raise_error("Expecting VALUE")
            arguments.append(self._parse_disjunction())
            if not self._match(TokenType.COMMA):
                break
        call.set("expressions", arguments)
        if name.startswith(("JSON_OBJECT", "JSON_ARRAY")):
            for word in ("NULL", "ABSENT"):
                if self._match_text_seq(word, "ON", "NULL"):
                    call.set("on_null", word)
            return call
        if self._match_text_seq("RETURNING"):
            call.set("returning", self._parse_type_name())
        for words, wrapper in _JSON_WRAPPERS.items():
            if self._match_text_seq(*words):
                call.set("wrapper", wrapper)
                break
        while not self._match(TokenType.R_PAREN, advance=False):
            behaviour = self._parse_json_behaviour()
            if not self._match(TokenType.ON):
                self.raise_error("Expecting ON EMPTY or ON ERROR")
            place = self._upper()
            if place not in ("EMPTY", "ERROR"):
                self.raise_error("Expecting EMPTY or ERROR")
            self._advance()
            call.set(f"on_{place.lower()}", behaviour)
        return call

    def _parse_json_behaviour(self) -> str | exp.Expr:
        for words in (("EMPTY", "ARRAY"), ("EMPTY", "OBJECT")):
            if self._match_text_seq(*words):
                return " ".join(words)
        if self._match_text_seq("DEFAULT"):
            value: exp.Expr = self._parse_disjunction()
            return value
        word = self._upper()
        if word not in ("NULL", "ERROR", "TRUE", "FALSE", "UNKNOWN"):
            self.raise_error("Expecting what to give on empty or on error")
        self._advance()
        return word
