"""Custom classifiers as they are kept, and the rules for defining them."""

from typing import Literal

import msgspec

from millpond.services.glue.classifiers.grok import BadGrok, compile_grok
from millpond.services.glue.classifiers.json_path import BadJsonPath, parse_json_path
from millpond.services.glue.errors import InvalidInput

CSV_TYPES = frozenset(
    {
        *("BINARY", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT", "INT", "LONG", "SHORT"),
        *("STRING", "TIMESTAMP", "BIGINT", "TINYINT", "SMALLINT"),
    }
)
SERDES = ("OpenCSVSerDe", "LazySimpleSerDe", "None")


class Grok(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="grok"):
    """Lines that match a pattern."""

    classification: str
    pattern: str
    custom_patterns: str = ""


class Xml(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="xml"):
    """Elements of one name."""

    classification: str
    row_tag: str


class Json(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="json"):
    """What stands at a path of documents."""

    path: str


class Csv(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="csv"):
    """Delimited text that is known better than it can be told."""

    delimiter: str = ""
    quote: str = ""
    contains_header: Literal["UNKNOWN", "PRESENT", "ABSENT"] = "UNKNOWN"
    header: tuple[str, ...] = ()
    disable_value_trimming: bool = False
    allow_single_column: bool = False
    custom_datatypes: tuple[str, ...] = ()
    custom_datatype_configured: bool = False
    serde: str = "None"


Rules = Grok | Xml | Json | Csv


class Classifier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A classifier; its version counts its changes."""

    name: str
    rules: Rules
    created_ms: int
    updated_ms: int
    version: int = 1


def check(rules: Rules) -> None:
    """The rules for a classifier.

    Raises:
        InvalidInput: a pattern or path cannot be read, or settings do not go together.
    """
    try:
        match rules:
            case Grok(pattern=pattern, custom_patterns=custom):
                compile_grok(pattern, custom)
            case Json(path=path):
                parse_json_path(path)
            case Xml(row_tag=tag):
                if not tag:
                    raise InvalidInput("RowTag must be given: without it nothing tells a row.")
            case Csv():
                _check_csv(rules)
    except (BadGrok, BadJsonPath) as error:
        raise InvalidInput(str(error)) from None


def _check_csv(rules: Csv) -> None:
    if rules.delimiter and rules.delimiter == rules.quote:
        raise InvalidInput("The quote symbol must be different from the column delimiter.")
    for name, symbol in (("Delimiter", rules.delimiter), ("QuoteSymbol", rules.quote)):
        if len(symbol) > 1 or symbol in ("\r", "\n"):
            raise InvalidInput(f"{name} must be one character.")
    if len(set(map(str.lower, rules.header))) != len(rules.header):
        raise InvalidInput("The names in Header must differ from one another.")
    unknown = sorted(set(map(str.upper, rules.custom_datatypes)) - CSV_TYPES)
    if unknown:
        raise InvalidInput(f"CustomDatatypes has {', '.join(unknown)}, which is no data type.")
    if rules.serde not in SERDES:
        raise InvalidInput(f"Serde must be one of {', '.join(SERDES)}.")
