"""What a custom classifier makes of the beginning of a file."""

from collections.abc import Callable

from millpond.services.glue.classifiers.grok import compile_grok
from millpond.services.glue.classifiers.model import Classifier, Csv, Grok, Json, Xml
from millpond.services.glue.infer.csv import CsvRules, infer_csv
from millpond.services.glue.infer.json import infer_json
from millpond.services.glue.infer.schema import FileSchema, Parsing
from millpond.services.glue.infer.text import Text
from millpond.services.glue.infer.xml import infer_xml

LINES_LOOKED_AT = 1000
MATCHING_SHARE_MIN = 0.7
"""How many lines of a file must match a grok pattern for it to take the file."""
_GROK_SERDE = "com.amazonaws.glue.serde.GrokSerDe"
_CSV_SERDES = {
    "OpenCSVSerDe": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
    "LazySimpleSerDe": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
}
_TYPES = {"INT": "int", "LONG": "bigint", "BIGINT": "bigint", "SHORT": "smallint"}

Apply = Callable[[Text], FileSchema | None]


def applying(classifier: Classifier) -> Apply:
    """A function that gives the schema of a text, or None when it is not of this kind."""
    match classifier.rules:
        case Grok() as grok:
            return _applying_grok(grok)
        case Xml(classification=classification, row_tag=tag):
            return lambda text: _named(
                infer_xml(text.text, text.compression, text.stored_bytes, text.whole, tag),
                classification,
            )
        case Json(path=path):
            return lambda text: infer_json(
                text.text, text.compression, text.stored_bytes, text.whole, path
            )
        case Csv() as csv:
            return _applying_csv(csv)


def _named(schema: FileSchema | None, classification: str) -> FileSchema | None:
    return None if schema is None else schema.changed(classification=classification)


def _applying_grok(rules: Grok) -> Apply:
    grok = compile_grok(rules.pattern, rules.custom_patterns)
    parameters = [("input.format", rules.pattern)]
    if rules.custom_patterns:
        parameters.append(("input.grokCustomPatterns", rules.custom_patterns))
    parsing = Parsing(_GROK_SERDE, tuple(parameters))

    def apply(text: Text) -> FileSchema | None:
        lines = [line for line in text.text.splitlines() if line.strip()]
        looked_at = lines[:LINES_LOOKED_AT]
        matching = sum(map(grok.matches, looked_at))
        if not looked_at or matching < MATCHING_SHARE_MIN * len(looked_at):
            return None
        return FileSchema(
            classification=rules.classification,
            compression=text.compression,
            columns=grok.columns,
            records=len(lines),
            sample_bytes=text.stored_bytes,
            whole=text.whole,
            parsed_by=parsing,
        )

    return apply


def _applying_csv(rules: Csv) -> Apply:
    headers = {"PRESENT": True, "ABSENT": False}
    read = CsvRules(
        delimiter=rules.delimiter,
        quote=rules.quote or '"',
        header=headers.get(rules.contains_header),
        names=rules.header,
        types=tuple(_TYPES.get(name.upper(), name.lower()) for name in rules.custom_datatypes),
        trims=not rules.disable_value_trimming,
        columns_min=1 if rules.allow_single_column else 2,
    )

    def apply(text: Text) -> FileSchema | None:
        schema = infer_csv(text.text, text.compression, text.stored_bytes, text.whole, read)
        if schema is None or rules.serde not in _CSV_SERDES or schema.csv is None:
            return schema
        delimiter = schema.csv.delimiter
        parameters = {
            "OpenCSVSerDe": (
                ("escapeChar", "\\"),
                ("quoteChar", read.quote),
                ("separatorChar", delimiter),
            ),
            "LazySimpleSerDe": (("field.delim", delimiter),),
        }[rules.serde]
        return schema.changed(parsed_by=Parsing(_CSV_SERDES[rules.serde], parameters))

    return apply
