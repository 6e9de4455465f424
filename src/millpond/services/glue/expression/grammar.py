"""Text to tree, by recursive descent.

    either  := both ("OR" both)*
    both    := not_ ("AND" not_)*
    not_    := "NOT" not_ | test
    test    := "(" either ")" | key rest | literal comparison key
    rest    := comparison literal | "IS" "NOT"? "NULL" | "NOT"? in, between or like

A key may stand in backticks, double quotes or brackets, a literal in parentheses. Double quotes
around a value are taken for a string, since Hive and Spark write it so.
"""

import re
from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import Struct

DEPTH_MAX = 100

Comparison = Literal["=", "<>", "<", "<=", ">", ">="]


class UnsupportedExpression(ValueError):
    """The text is not an expression that is understood."""


class Compare(Struct, frozen=True):
    key: str
    operator: Comparison
    literal: str


class In(Struct, frozen=True):
    key: str
    literals: tuple[str, ...]


class Between(Struct, frozen=True):
    key: str
    low: str
    high: str


class Like(Struct, frozen=True):
    key: str
    pattern: str


class IsNull(Struct, frozen=True):
    key: str


class Not(Struct, frozen=True):
    inner: "Tree"


class All(Struct, frozen=True):
    parts: "tuple[Tree, ...]"


class AnyOf(Struct, frozen=True):
    parts: "tuple[Tree, ...]"


Tree = Compare | In | Between | Like | IsNull | Not | All | AnyOf

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<name>`[^`]+`|\[[^\]]+\]|[A-Za-z_][\w.$]*|[0-9]+[A-Za-z_][\w.$]*)
      | (?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))
      | (?P<operator><>|!=|<=|>=|=|<|>)
      | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_FLIPPED: dict[Comparison, Comparison] = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_WORDS = frozenset({"and", "or", "not", "in", "between", "like", "is", "null"})


class _Token(Struct, frozen=True):
    kind: str
    text: str

    def is_word(self, word: str) -> bool:
        return self.kind == "name" and self.text.lower() == word


def parse_expression(text: str) -> Tree:
    """The tree of an expression.

    Raises:
        UnsupportedExpression: with the message that Glue gives.
    """
    parser = _Parser(_tokens(text), f"Unsupported expression '{text}'")
    tree = parser.either(0)
    parser.end()
    return tree


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise UnsupportedExpression(f"Unsupported expression '{text}'")
        tokens.append(_Token(found.lastgroup, found[found.lastgroup]))
        position = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: Sequence[_Token], complaint: str) -> None:
        self._tokens = tokens
        self._position = 0
        self._complaint = complaint

    def end(self) -> None:
        if self._position < len(self._tokens):
            raise UnsupportedExpression(self._complaint)

    def either(self, depth: int) -> Tree:
        parts = [self._both(depth)]
        while self._word("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _both(self, depth: int) -> Tree:
        parts = [self._not(depth)]
        while self._word("and"):
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _not(self, depth: int) -> Tree:
        negations = 0
        while self._word("not"):
            negations += 1
        tree = self._test(depth)
        return Not(tree) if negations % 2 else tree

    def _test(self, depth: int) -> Tree:
        if depth > DEPTH_MAX:
            raise UnsupportedExpression(self._complaint)
        if self._peek("mark", "("):
            start = self._position
            key = self._maybe_bracketed_key()
            if key is not None:
                return self._rest(key, depth)
            self._position = start
            literal = self._maybe_literal()
            if literal is not None:
                return self._flipped(literal)
            self._position = start + 1
            tree = self.either(depth + 1)
            self._expect(")")
            return tree
        literal = self._maybe_literal(double_quotes=False)
        if literal is not None:
            return self._flipped(literal)
        return self._rest(self._key(), depth)

    def _flipped(self, literal: str) -> Tree:
        operator = self._comparison()
        return Compare(self._key(), _FLIPPED.get(operator, operator), literal)

    def _rest(self, key: str, depth: int) -> Tree:
        if self._word("is"):
            negated = self._word("not")
            if not self._word("null"):
                raise UnsupportedExpression(self._complaint)
            return Not(IsNull(key)) if negated else IsNull(key)
        negated = self._word("not")
        tree: Tree
        if self._word("in"):
            tree = In(key, self._literals())
        elif self._word("between"):
            low = self._literal()
            if not self._word("and"):
                raise UnsupportedExpression(self._complaint)
            tree = Between(key, low, self._literal())
        elif self._word("like"):
            tree = Like(key, self._literal())
        elif negated:
            raise UnsupportedExpression(self._complaint)
        else:
            tree = Compare(key, self._comparison(), self._literal())
        return Not(tree) if negated else tree

    def _comparison(self) -> Comparison:
        token = self._take()
        text = "<>" if token.text == "!=" else token.text
        if token.kind != "operator":
            raise UnsupportedExpression(self._complaint)
        for known in get_args(Comparison):
            if known == text:
                return known  # type: ignore[no-any-return]
        raise UnsupportedExpression(self._complaint)

    def _literals(self) -> tuple[str, ...]:
        self._expect("(")
        literals = [self._literal()]
        while self._peek("mark", ","):
            self._position += 1
            literals.append(self._literal())
        self._expect(")")
        return tuple(literals)

    def _literal(self) -> str:
        literal = self._maybe_literal()
        if literal is None:
            raise UnsupportedExpression(self._complaint)
        return literal

    def _maybe_literal(self, *, double_quotes: bool = True) -> str | None:
        """A string, a number, `DATE '…'` or `TIMESTAMP '…'`, perhaps in parentheses."""
        start = self._position
        brackets = 0
        while self._peek("mark", "("):
            self._position += 1
            brackets += 1
        token = self._maybe_take()
        if token and token.kind == "name" and token.text.lower() in ("date", "timestamp"):
            token = self._maybe_take()
            if token and token.kind != "string":
                token = None
        text = _literal_text(token, double_quotes)
        while text is not None and brackets and self._peek("mark", ")"):
            self._position += 1
            brackets -= 1
        if text is None or brackets:
            self._position = start
            return None
        return text

    def _maybe_bracketed_key(self) -> str | None:
        """A key in parentheses of its own: `(year) = 2015`."""
        brackets = 0
        while self._peek("mark", "("):
            self._position += 1
            brackets += 1
        token = self._maybe_take()
        if token is None or token.kind not in ("name", "quoted") or token.text.lower() in _WORDS:
            return None
        for _ in range(brackets):
            if not self._peek("mark", ")"):
                return None
            self._position += 1
        return _key_text(token)

    def _key(self) -> str:
        key = self._maybe_bracketed_key()
        if key is None:
            raise UnsupportedExpression(self._complaint)
        return key

    def _expect(self, mark: str) -> None:
        if not self._peek("mark", mark):
            raise UnsupportedExpression(self._complaint)
        self._position += 1

    def _word(self, word: str) -> bool:
        found = self._position < len(self._tokens) and self._tokens[self._position].is_word(word)
        self._position += found
        return found

    def _peek(self, kind: str, text: str) -> bool:
        if self._position >= len(self._tokens):
            return False
        token = self._tokens[self._position]
        return token.kind == kind and token.text == text

    def _maybe_take(self) -> _Token | None:
        if self._position >= len(self._tokens):
            return None
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self) -> _Token:
        token = self._maybe_take()
        if token is None:
            raise UnsupportedExpression(self._complaint)
        return token


def _literal_text(token: _Token | None, double_quotes: bool) -> str | None:
    if token is None:
        return None
    if token.kind == "string":
        return token.text[1:-1].replace("''", "'")
    if token.kind == "quoted" and double_quotes:
        return token.text[1:-1].replace('""', '"')
    return token.text if token.kind == "number" else None


def _key_text(token: _Token) -> str:
    if token.kind == "quoted":
        return token.text[1:-1].replace('""', '"').lower()
    if token.text[0] in "`[":
        return token.text[1:-1].lower()
    return token.text.lower()
