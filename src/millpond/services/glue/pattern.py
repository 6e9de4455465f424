"""Patterns that callers send, matched in time linear in the text.

Python's `re` backtracks: a pattern such as `(a+)+b` can hold the whole process up. Here a pattern
becomes a small automaton, and all of its states advance together, one character at a time.

Two languages lead to one automaton: regular expressions as far as table filters use them
(literals, `.`, `[a-z]`, `\\d \\w \\s`, groups, `|`, `* + ?`, `{m,n}`, anchors at the ends), and
globs as crawlers' exclude patterns have them.
"""

from collections.abc import Callable
from dataclasses import dataclass

STATES_MAX = 5000
REPEATS_MAX = 100
DEPTH_MAX = 100


class BadPattern(ValueError):
    """The pattern cannot be read, or uses what is not implemented; the message names it."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of ranges, or out of all but them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def accept(self, character: str) -> bool:
        found = any(low <= character <= high for low, high in self.ranges)
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class Series:
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """`part` at least `low` times and at most `high` times; None: without bound."""

    part: "Node"
    low: int
    high: int | None


Node = Characters | Series | Choice | Repeat

ANY = Characters((), negated=True)
_CLASSES = {
    "d": (("0", "9"),),
    "w": (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")),
    "s": (("\t", "\r"), (" ", " ")),
}


def literal(character: str) -> Characters:
    return Characters(((character, character),))


def compile_pattern(node: Node) -> Callable[[str], bool]:
    """A function that tells whether the whole of a text matches.

    Raises:
        BadPattern: it grows too large.
    """
    automaton = _Automaton()
    automaton.end = automaton.add(node, automaton.start)
    return automaton.matches


class _Automaton:
    """States are numbers; `_moves` consume a character, `_jumps` do not."""

    def __init__(self) -> None:
        self._moves: list[list[tuple[Characters, int]]] = [[]]
        self._jumps: list[list[int]] = [[]]
        self.start = 0
        self.end = 0

    def add(self, node: Node, state: int) -> int:
        """Let `node` follow `state`; the state after it."""
        if isinstance(node, Characters):
            after = self._new()
            self._moves[state].append((node, after))
            return after
        if isinstance(node, Series):
            for part in node.parts:
                state = self.add(part, state)
            return state
        if isinstance(node, Choice):
            after = self._new()
            for part in node.parts:
                begin = self._new()
                self._jumps[state].append(begin)
                self._jumps[self.add(part, begin)].append(after)
            return after
        return self._add_repeat(node, state)

    def _add_repeat(self, node: Repeat, state: int) -> int:
        for _ in range(node.low):
            state = self.add(node.part, state)
        after = self._new()
        if node.high is None:
            begin = self._new()
            self._jumps[state].append(begin)
            self._jumps[begin].append(after)
            self._jumps[self.add(node.part, begin)].append(begin)
            return after
        self._jumps[state].append(after)
        for _ in range(node.high - node.low):
            state = self.add(node.part, state)
            self._jumps[state].append(after)
        return after

    def matches(self, text: str) -> bool:
        states = self._reach({self.start})
        for character in text:
            states = self._reach(
                {
                    after
                    for state in states
                    for accepted, after in self._moves[state]
                    if accepted.accept(character)
                }
            )
            if not states:
                return False
        return self.end in states

    def _reach(self, states: set[int]) -> set[int]:
        waiting = list(states)
        while waiting:
            for after in self._jumps[waiting.pop()]:
                if after not in states:
                    states.add(after)
                    waiting.append(after)
        return states

    def _new(self) -> int:
        if len(self._moves) >= STATES_MAX:
            raise BadPattern("The pattern is too large.")
        self._moves.append([])
        self._jumps.append([])
        return len(self._moves) - 1


def parse_regex(pattern: str) -> Node:
    """A regular expression that is to match a whole text.

    Raises:
        BadPattern: it cannot be read, or uses what is not implemented.
    """
    reader = _Reader(pattern.removeprefix("^"))
    node = reader.choice(0)
    if reader.more():
        raise BadPattern(f"The parenthesis in {pattern!r} was not opened.")
    return node


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0

    def more(self) -> bool:
        return self._position < len(self._pattern)

    def choice(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise BadPattern("The pattern is nested too deeply.")
        parts = [self._sequence(depth)]
        while self._skip("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.more() and self._pattern[self._position] not in "|)":
            if self._pattern.startswith("$", self._position) and self._at_end(1):
                self._position += 1
                continue
            parts.append(self._repeated(self._atom(depth)))
        return Series(tuple(parts))

    def _at_end(self, ahead: int) -> bool:
        return self._position + ahead >= len(self._pattern)

    def _repeated(self, node: Node) -> Node:
        if self._skip("*"):
            node = Repeat(node, 0, None)
        elif self._skip("+"):
            node = Repeat(node, 1, None)
        elif self._skip("?"):
            node = Repeat(node, 0, 1)
        elif self._skip("{"):
            node = self._counted(node)
        else:
            return node
        self._skip("?")
        return node

    def _counted(self, node: Node) -> Node:
        end = self._pattern.find("}", self._position)
        low, comma, high = self._pattern[self._position : max(end, self._position)].partition(",")
        numbers_read = low.isdecimal() and (high.isdecimal() or (comma and not high) or not comma)
        if end < 0 or not numbers_read:
            raise BadPattern(f"The count in {self._pattern!r} cannot be read.")
        most = (int(high) if high else None) if comma else int(low)
        if int(low) > REPEATS_MAX or (most is not None and not int(low) <= most <= REPEATS_MAX):
            raise BadPattern(f"A count in {self._pattern!r} is larger than {REPEATS_MAX}.")
        self._position = end + 1
        return Repeat(node, int(low), most)

    def _atom(self, depth: int) -> Node:
        character = self._take()
        if character == "(":
            if self._skip("?") and not self._skip(":"):
                raise BadPattern("Groups of the kind (?…) are not implemented.")
            node = self.choice(depth + 1)
            if not self._skip(")"):
                raise BadPattern(f"The parenthesis in {self._pattern!r} does not end.")
            return node
        if character == "[":
            return self._characters()
        if character == ".":
            return ANY
        if character == "\\":
            return self._escaped()
        if character in "*+?{^$":
            raise BadPattern(f"{character} in {self._pattern!r} has nothing to apply to.")
        return literal(character)

    def _escaped(self) -> Characters:
        if not self.more():
            raise BadPattern(f"{self._pattern!r} ends with a backslash.")
        character = self._take()
        if character.lower() in _CLASSES:
            return Characters(_CLASSES[character.lower()], negated=character.isupper())
        if character.isalnum():
            raise BadPattern(f"\\{character} is not implemented.")
        return literal(character)

    def _characters(self) -> Characters:
        negated = self._skip("^")
        ranges: list[tuple[str, str]] = []
        while True:
            if not self.more():
                raise BadPattern(f"The bracket in {self._pattern!r} does not end.")
            low = self._take()
            if low == "]" and ranges:
                return Characters(tuple(ranges), negated)
            if low == "\\":
                escaped = self._escaped()
                if escaped.negated:
                    raise BadPattern("A negated class in brackets is not implemented.")
                if escaped.ranges[0][0] != escaped.ranges[0][1]:
                    ranges.extend(escaped.ranges)
                    continue
                low = escaped.ranges[0][0]
            high = low
            if self._pattern[self._position : self._position + 1] == "-" and not self._at_bracket():
                self._position += 1
                high = self._take() if self.more() else low
            if low > high:
                raise BadPattern(f"The range {low}-{high} goes backwards.")
            ranges.append((low, high))

    def _at_bracket(self) -> bool:
        """Whether the hyphen here is the last character in brackets, where it means itself."""
        return self._pattern.startswith("-]", self._position)

    def _skip(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._position)
        self._position += len(text) * found
        return found

    def _take(self) -> str:
        self._position += 1
        return self._pattern[self._position - 1]
