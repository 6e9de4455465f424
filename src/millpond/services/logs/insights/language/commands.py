"""Reading a query: commands with pipes between them.

Source: CloudWatch Logs user guide, "CloudWatch Logs Insights language query syntax".
"""

import re
from collections.abc import Callable, Mapping

from millpond.services.logs.insights.language.expressions import Expressions
from millpond.services.logs.insights.language.malformed import Malformed, unexpected
from millpond.services.logs.insights.language.regexes import check_regex
from millpond.services.logs.insights.language.scanner import Scanner, Word
from millpond.services.logs.insights.language.tree import (
    Command,
    Dedup,
    Display,
    Expression,
    Field,
    Fields,
    Filter,
    Limit,
    Named,
    Parse,
    Sort,
    Stats,
    Unnest,
)

LIMIT_MAX = 100_000
STATS_MAX = 2
_REFUSED = (
    "anomaly", "diff", "expand", "filterindex", "flatten", "join", "lookup", "opentelemetry",
    "pattern", "source", "subqueries", "tail", "unmask", "where",
)  # fmt: skip
_SPACES = re.compile(r"\s+")


def parse(text: str) -> list[Command]:
    """The commands of a query.

    Raises:
        Malformed: the text is no query, or asks for what is not implemented.
    """
    return _Parser(text).read()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._scanner = Scanner(text)
        self._expressions = Expressions(self._scanner)
        self._commands: Mapping[str, Callable[[Word], Command]] = {
            "fields": lambda _: Fields(self._named()),
            "display": lambda _: Display(self._named()),
            "filter": lambda _: Filter(self._expressions.read()),
            "parse": self._parse,
            "stats": self._stats,
            "sort": lambda _: self._sort(),
            "limit": self._limit,
            "head": self._limit,
            "dedup": lambda _: self._dedup(),
            "unnest": self._unnest,
        }

    def read(self) -> list[Command]:
        commands: list[Command] = []
        if self._scanner.peek().kind == "end":
            self._scanner.fail()
        self._scanner.take("|")
        while True:
            commands.append(self._command())
            if not self._scanner.take("|"):
                break
        if self._scanner.peek().kind != "end":
            self._scanner.fail()
        _check_stats(commands)
        return commands

    def _command(self) -> Command:
        word = self._scanner.peek()
        name = word.text.lower()
        if word.kind == "name" and name in self._commands:
            self._scanner.next()
            return self._commands[name](word)
        if word.kind == "name" and name in _REFUSED:
            raise Malformed(f"The command {word.text} is not implemented.", word.start, word.end)
        raise unexpected(self._text, word.start, word.end)

    def _named(self) -> list[Named]:
        """Expressions with or without names of their own."""
        items = [self._one_named()]
        while self._scanner.take(","):
            items.append(self._one_named())
        return items

    def _one_named(self) -> Named:
        value = self._expressions.read()
        end = self._scanner.last_end
        if self._scanner.take_word("as"):
            return Named(self._expressions.field().name, value, has_alias=True)
        return Named(self._shown(value, end), value, has_alias=False)

    def _shown(self, value: Expression, end: int) -> str:
        """What values are called that nobody named: a field's name, else the text as it stands."""
        if isinstance(value, Field):
            return value.name
        return _SPACES.sub(" ", self._text[value.start : end])

    def _parse(self, word: Word) -> Command:
        source: Expression = Field(("@message",), word.start, word.end)
        ahead = self._scanner.peek()
        if ahead.kind != "text" and not (ahead.kind == "symbol" and ahead.text == "/"):
            source = self._parse_source()
        regex = self._scanner.regex()
        if regex is not None:
            pattern, names = check_regex(regex.text, regex.start, regex.end)
            if not names:
                raise Malformed(
                    "The regular expression of parse has no named group.", regex.start, regex.end
                )
            return Parse(source, pattern, True, names, regex.start, regex.end)
        glob = self._scanner.peek()
        if glob.kind != "text":
            self._scanner.fail()
        self._scanner.next()
        self._scanner.expect_word("as")
        aliases = [self._expressions.field().name]
        while self._scanner.take(","):
            aliases.append(self._expressions.field().name)
        if glob.text.count("*") != len(aliases):
            raise Malformed(
                f"The pattern has {glob.text.count('*')} wildcards and {len(aliases)} names.",
                glob.start,
                self._scanner.last_end,
            )
        return Parse(source, glob.text, False, aliases, glob.start, glob.end)

    def _parse_source(self) -> Expression:
        """A field, or a function of one: no operator, since a slash begins the pattern."""
        word = self._scanner.peek()
        if word.kind == "name":
            after = self._text[word.end : word.end + 1]
            if after == "(":
                return self._expressions.read()
        return self._expressions.field()

    def _stats(self, word: Word) -> Command:
        values = self._named()
        keys = self._named() if self._scanner.take_word("by") else []
        return Stats(values, keys, word.start, self._scanner.last_end)

    def _sort(self) -> Command:
        items = [self._one_sorted()]
        while self._scanner.take(","):
            items.append(self._one_sorted())
        return Sort(items)

    def _one_sorted(self) -> tuple[Expression, bool]:
        value = self._expressions.read()
        direction = self._scanner.take_word("asc", "desc")
        return value, direction is not None and direction.text.lower() == "desc"

    def _limit(self, _: Word) -> Command:
        word = self._scanner.peek()
        if word.kind != "number" or not word.text.isdecimal():
            self._scanner.fail()
        self._scanner.next()
        if not 1 <= int(word.text) <= LIMIT_MAX:
            raise Malformed(f"The limit must be between 1 and {LIMIT_MAX}.", word.start, word.end)
        return Limit(int(word.text))

    def _dedup(self) -> Command:
        fields: list[Expression] = [self._expressions.field()]
        while self._scanner.take(","):
            fields.append(self._expressions.field())
        return Dedup(fields)

    def _unnest(self, word: Word) -> Command:
        value = self._expressions.read()
        self._scanner.expect_word("into")
        name = self._expressions.field().name
        return Unnest(value, name, word.start, self._scanner.last_end)


def _check_stats(commands: list[Command]) -> None:
    stats = [one for one in commands if isinstance(one, Stats)]
    if len(stats) > STATS_MAX:
        raise Malformed(
            f"A query can have up to {STATS_MAX} stats commands.",
            stats[STATS_MAX].start,
            stats[STATS_MAX].end,
        )
