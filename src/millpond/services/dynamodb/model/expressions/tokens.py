"""Splits an expression into tokens, and walks over them with AWS's words for what is wrong."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, NoReturn

from millpond.services.dynamodb.errors import ValidationError
from millpond.services.dynamodb.model.expressions.nodes import Path
from millpond.services.dynamodb.model.expressions.reserved import RESERVED
from millpond.services.dynamodb.model.values import Value, check

EXPRESSION_SIZE_BYTES_MAX = 4096
PATH_LENGTH_MAX = 32
_INDEX_DIGITS_MAX = 9

TokenKind = Literal["word", "name", "value", "integer", "sign", "unknown", "end"]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<name>\#[A-Za-z0-9_]+)
      | (?P<value>:[A-Za-z0-9_]+)
      | (?P<integer>[0-9]+)
      | (?P<sign><>|<=|>=|[=<>(),.\[\]+-])
      | (?P<unknown>\S)
    )""",
    re.VERBOSE,
)
_SUBSTITUTE = {
    "#": re.compile(r"#[A-Za-z0-9_]+\Z"),
    ":": re.compile(r":[A-Za-z0-9_]+\Z"),
}


class Token(NamedTuple):
    """`start` and `end` are its place in the expression."""

    kind: TokenKind
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """All tokens of an expression, and one for its end."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind: TokenKind = match.lastgroup  # type: ignore[assignment]
        start, end = match.span(match.lastgroup or 0)
        found.append(Token(kind, match[kind], start, end))
    return [*found, Token("end", "<EOF>", len(text), len(text))]


class Substitutes:
    """A request's ExpressionAttributeNames and ExpressionAttributeValues, and which were used.

    Raises (when made):
        ValidationError: they are empty, a key is no placeholder, or a value is none.
    """

    def __init__(
        self, names: Mapping[str, str] | None = None, values: Mapping[str, Value] | None = None
    ) -> None:
        self.names, self.values = names, values
        self._used: set[str] = set()
        _check_substitutes("ExpressionAttributeNames", "#", names)
        _check_substitutes("ExpressionAttributeValues", ":", values)
        for key, value in (values or {}).items():
            try:
                check(value)
            except ValidationError as error:
                raise ValidationError(
                    f"ExpressionAttributeValues contains invalid value: {error.message} for key "
                    f"{key}"
                ) from error

    def name(self, placeholder: str) -> str | None:
        """The name that a placeholder stands for; None when it is not defined."""
        self._used.add(placeholder)
        return (self.names or {}).get(placeholder)

    def value(self, placeholder: str) -> Value | None:
        """The value that a placeholder stands for; None when it is not defined."""
        self._used.add(placeholder)
        return (self.values or {}).get(placeholder)

    def check_used(self) -> None:
        """Refuse substitutes that no expression uses.

        Raises:
            ValidationError: naming them.
        """
        given = (
            ("ExpressionAttributeNames", self.names),
            ("ExpressionAttributeValues", self.values),
        )
        for parameter, substitutes in given:
            unused = [key for key in substitutes or {} if key not in self._used]
            if unused:
                raise ValidationError(
                    f"Value provided in {parameter} unused in expressions: "
                    f"keys: {{{', '.join(unused)}}}"
                )


def _check_substitutes(
    parameter: str, mark: str, substitutes: Mapping[str, str] | Mapping[str, Value] | None
) -> None:
    if substitutes is None:
        return
    if not substitutes:
        raise ValidationError(f"{parameter} must not be empty")
    for key in substitutes:
        if not _SUBSTITUTE[mark].match(key):
            raise ValidationError(f'{parameter} contains invalid key: Syntax error; key: "{key}"')


class Cursor:
    """A walk over the tokens of one expression; `parameter` names it in refusals."""

    def __init__(self, parameter: str, text: str, substitutes: Substitutes) -> None:
        self._parameter = parameter
        self._text = text
        self._substitutes = substitutes
        if not text.strip():
            self.refuse("The expression can not be empty;")
        if len(text.encode()) > EXPRESSION_SIZE_BYTES_MAX:
            self.refuse(
                "Expression size has exceeded the maximum allowed size; "
                f"expression size: {len(text.encode())}"
            )
        self._tokens = tokens_of(text)
        self._place = 0

    @property
    def token(self) -> Token:
        """The token to be read next."""
        return self._tokens[self._place]

    def follows(self, text: str) -> bool:
        """Whether the token after the next one is this sign."""
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)].text == text

    def take(self) -> Token:
        """Read a token; the end can be read again and again."""
        token = self.token
        if token.kind != "end":
            self._place += 1
        return token

    def take_sign(self, *signs: str) -> str | None:
        """Read a token if it is one of these signs."""
        if self.token.kind == "sign" and self.token.text in signs:
            return self.take().text
        return None

    def take_word(self, *words: str) -> str | None:
        """Read a token if it is one of these keywords (given in upper case)."""
        if self.token.kind == "word" and self.token.text.upper() in words:
            return self.take().text.upper()
        return None

    def expect_sign(self, sign: str) -> None:
        if self.take_sign(sign) is None:
            self.refuse_token()

    def expect_word(self, word: str) -> None:
        if self.take_word(word) is None:
            self.refuse_token()

    def expect_end(self) -> None:
        if self.token.kind != "end":
            self.refuse_token()

    def value(self) -> Value:
        """Read a value's placeholder."""
        placeholder = self.take().text
        value = self._substitutes.value(placeholder)
        if value is None:
            self.refuse(
                "An expression attribute value used in expression is not defined; "
                f"attribute value: {placeholder}"
            )
        return value

    def path(self) -> Path:
        """Read a document path."""
        parts: list[str | int] = [self._name()]
        while True:
            if self.take_sign("."):
                parts.append(self._name())
            elif self.take_sign("["):
                if self.token.kind != "integer":
                    self.refuse_token()
                digits = self.take().text
                if len(digits) > _INDEX_DIGITS_MAX:
                    self.refuse(f"List index is not within the allowable range; index: [{digits}]")
                parts.append(int(digits))
                self.expect_sign("]")
            else:
                break
        if len(parts) > PATH_LENGTH_MAX:
            self.refuse("The document path has too many nesting elements")
        return tuple(parts)

    def _name(self) -> str:
        if self.token.kind == "word":
            word = self.take().text
            if word.upper() in RESERVED:
                self.refuse(f"Attribute name is a reserved keyword; reserved keyword: {word}")
            return word
        if self.token.kind != "name":
            self.refuse_token()
        placeholder = self.take().text
        name = self._substitutes.name(placeholder)
        if name is None:
            self.refuse(
                "An expression attribute name used in the document path is not defined; "
                f"attribute name: {placeholder}"
            )
        return name

    def refuse_token(self) -> NoReturn:
        """The next token cannot stand where it does."""
        token = self.token
        before = self._tokens[max(self._place - 1, 0)]
        after = self._tokens[min(self._place + 1, len(self._tokens) - 1)]
        near = self._text[before.start : after.end]
        self.refuse(f'Syntax error; token: "{token.text}", near: "{near}"')

    def refuse(self, detail: str) -> NoReturn:
        raise ValidationError(f"Invalid {self._parameter}: {detail}")


def show_path(path: Path) -> str:
    """A path as AWS writes it in a refusal: `[a, b, [0]]`."""
    parts = (part if isinstance(part, str) else f"[{part}]" for part in path)
    return f"[{', '.join(parts)}]"


def check_apart(cursor: Cursor, paths: list[Path]) -> None:
    """Refuse two paths of which one is, or lies below, the other, or that disagree about what
    lies between them.

    Raises:
        ValidationError: naming both.
    """
    below: dict[Path, Path] = {}
    for path in paths:
        for length in range(1, len(path) + 1):
            beginning = path[:length]
            other = below.get(beginning)
            if other is None:
                below[beginning] = path
            elif other == beginning or length == len(path):
                _refuse_two(cursor, "overlap", other, path)
            elif isinstance(other[length], int) != isinstance(path[length], int):
                _refuse_two(cursor, "conflict", other, path)


def _refuse_two(cursor: Cursor, verb: str, one: Path, other: Path) -> NoReturn:
    cursor.refuse(
        f"Two document paths {verb} with each other; must remove or rewrite one of these paths; "
        f"path one: {show_path(one)}, path two: {show_path(other)}"
    )
