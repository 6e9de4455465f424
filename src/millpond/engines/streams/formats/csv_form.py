"""How CSV records of a table are written: delimiters, quotes, what stands for NULL."""

from collections.abc import Mapping
from dataclasses import dataclass

from millpond.engines.streams.connectors.options import boolean
from millpond.engines.streams.formats.checks import unescaped


@dataclass(frozen=True, slots=True)
class CsvForm:
    """`quote` and `escape` are None where there are none; so is `null`."""

    delimiter: str
    quote: str | None
    escape: str | None
    null: str | None
    element_delimiter: str
    allows_comments: bool
    ignores_errors: bool
    scientific: bool

    @classmethod
    def of(cls, options: Mapping[str, str]) -> "CsvForm":
        """The form that a format's options say."""
        no_quotes = boolean(options.get("disable-quote-character", "false"))
        escape = options.get("escape-character")
        return cls(
            delimiter=unescaped(options.get("field-delimiter", ",")),
            quote=None if no_quotes else unescaped(options.get("quote-character", '"')),
            escape=None if escape is None else unescaped(escape),
            null=options.get("null-literal"),
            element_delimiter=options.get("array-element-delimiter", ";"),
            allows_comments=boolean(options.get("allow-comments", "false")),
            ignores_errors=boolean(options.get("ignore-parse-errors", "false")),
            scientific=boolean(options.get("write-bigdecimal-in-scientific-notation", "true")),
        )
