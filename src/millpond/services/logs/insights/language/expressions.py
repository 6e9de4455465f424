"""Reading expressions. From loose to tight: or, and, not, comparisons, + -, * / %, ^, signs."""

import re

from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.language.regexes import check_regex
from millpond.services.logs.insights.language.scanner import Scanner, Word
from millpond.services.logs.insights.language.tree import (
    Binary,
    Call,
    Expression,
    Field,
    In,
    Like,
    Literal,
    Member,
    Period,
    Unary,
)

DEPTH_MAX = 40
_COMPARISONS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", ">": ">", "<=": "<=",
                ">=": ">="}  # fmt: skip
_STEP = re.compile(r"`([^`]*)`|([^.`]+)")
_RESERVED = ("and", "or", "not", "like", "in", "as", "by", "asc", "desc", "into")


class Expressions:
    """Reads expressions from a scanner."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._depth = 0

    def read(self) -> Expression:
        """One expression.

        Raises:
            Malformed: none comes next.
        """
        self._depth += 1
        if self._depth > DEPTH_MAX:
            word = self._scanner.peek()
            raise Malformed("The expression is nested too deeply.", word.start, word.end)
        left = self._conjunction()
        while self._scanner.take_word("or"):
            right = self._conjunction()
            left = Binary("or", left, right, left.start, right.end)
        self._depth -= 1
        return left

    def _conjunction(self) -> Expression:
        left = self._negation()
        while self._scanner.take_word("and"):
            right = self._negation()
            left = Binary("and", left, right, left.start, right.end)
        return left

    def _negation(self) -> Expression:
        nots: list[Word] = []
        while (word := self._scanner.take_word("not")) is not None:
            nots.append(word)
        operand = self._comparison()
        for word in reversed(nots):
            operand = Unary("not", operand, word.start, operand.end)
        return operand

    def _comparison(self) -> Expression:
        left = self._sum()
        while True:
            word = self._scanner.take(*_COMPARISONS)
            if word is not None:
                right = self._sum()
                left = Binary(_COMPARISONS[word.text], left, right, left.start, right.end)
            elif self._scanner.take("=~") or self._scanner.take_word("like"):
                left = self._like(left, negated=False)
            elif self._scanner.take_word("in"):
                left = self._in(left, negated=False)
            elif self._scanner.take_word("not"):
                if self._scanner.take_word("like"):
                    left = self._like(left, negated=True)
                else:
                    self._scanner.expect_word("in")
                    left = self._in(left, negated=True)
            else:
                return left

    def _like(self, operand: Expression, *, negated: bool) -> Expression:
        regex = self._scanner.regex()
        if regex is not None:
            pattern, _ = check_regex(regex.text, regex.start, regex.end)
            return Like(operand, pattern, True, negated, operand.start, regex.end)
        word = self._scanner.peek()
        if word.kind != "text":
            self._scanner.fail()
        self._scanner.next()
        return Like(operand, word.text, False, negated, operand.start, word.end)

    def _in(self, operand: Expression, *, negated: bool) -> Expression:
        closing = "]" if self._scanner.take("[") else ")"
        if closing == ")":
            self._scanner.expect("(")
        items = [self._sum()]
        while self._scanner.take(","):
            items.append(self._sum())
        end = self._scanner.expect(closing).end
        return In(operand, items, negated, operand.start, end)

    def _sum(self) -> Expression:
        left = self._product()
        while (word := self._scanner.take("+", "-")) is not None:
            right = self._product()
            left = Binary(word.text, left, right, left.start, right.end)
        return left

    def _product(self) -> Expression:
        left = self._power()
        while (word := self._scanner.take("*", "/", "%")) is not None:
            right = self._power()
            left = Binary(word.text, left, right, left.start, right.end)
        return left

    def _power(self) -> Expression:
        left = self._signed()
        if self._scanner.take("^"):
            right = self._power()
            return Binary("^", left, right, left.start, right.end)
        return left

    def _signed(self) -> Expression:
        signs: list[Word] = []
        while (word := self._scanner.take("-")) is not None:
            signs.append(word)
        operand = self._with_members()
        for word in reversed(signs):
            operand = Unary("-", operand, word.start, operand.end)
        return operand

    def _with_members(self) -> Expression:
        """A value, and the members that are asked of it: `x.name`, `x[0]`."""
        value = self._primary()
        path: list[str | int] = []
        while True:
            if self._scanner.take("["):
                word = self._scanner.next()
                if word.kind not in ("number", "text"):
                    raise Malformed("A place in a list is a number.", word.start, word.end)
                path.append(int(word.text) if word.kind == "number" else word.text)
                self._scanner.expect("]")
            elif isinstance(value, Field | Call) and self._scanner.take("."):
                path.append(self._scanner.member())
            else:
                break
        if not path:
            return value
        end = self._scanner.last_end
        if isinstance(value, Field):
            return Field((*value.path, *path), value.start, end)
        return Member(value, tuple(path), value.start, end)

    def _primary(self) -> Expression:
        word = self._scanner.peek()
        match word.kind:
            case "number":
                self._scanner.next()
                return Literal(float(word.text), word.start, word.end)
            case "text":
                self._scanner.next()
                return Literal(word.text, word.start, word.end)
            case "period":
                self._scanner.next()
                count = re.match(r"\d+", word.text)
                assert count is not None
                return Period(int(count[0]), word.text[count.end() :].lower(), word.start, word.end)
            case "quoted":
                return self.field()
            case "name" if word.text.lower() in ("true", "false"):
                self._scanner.next()
                return Literal(word.text.lower() == "true", word.start, word.end)
            case "name" if word.text.lower() not in _RESERVED:
                self._scanner.next()
                if self._scanner.take("("):
                    return self._call(word)
                return Field(_path(word.text), word.start, word.end)
        self._scanner.expect("(")
        inner = self.read()
        self._scanner.expect(")")
        return inner

    def _call(self, word: Word) -> Expression:
        arguments: list[Expression | None] = []
        if not (closing := self._scanner.take(")")):
            while True:
                arguments.append(None if self._scanner.take("*") else self.read())
                if not self._scanner.take(","):
                    break
            closing = self._scanner.expect(")")
        return Call(word.text, arguments, word.start, closing.end)

    def field(self) -> Field:
        """The name of a field."""
        word = self._scanner.peek()
        if word.kind not in ("name", "quoted") or word.text.lower() in _RESERVED:
            self._scanner.fail()
        self._scanner.next()
        return Field(_path(word.text), word.start, word.end)


def _path(text: str) -> tuple[str | int, ...]:
    """The steps of a name. Backticks before the first dot enclose a whole name with its dots, those
    after one a single step."""
    steps: list[str | int] = []
    for place, found in enumerate(_STEP.finditer(text)):
        quoted, plain = found.groups()
        if quoted is not None and place == 0:
            steps += [_step(part) for part in quoted.split(".")]
        else:
            steps.append(quoted if quoted is not None else _step(plain))
    return tuple(steps)


def _step(text: str) -> str | int:
    return int(text) if text.isdecimal() and len(text) < 10 else text
