"""Hive's storage words: which SerDe and which input and output formats they stand for.

Source: Athena User Guide, CREATE TABLE and "SerDe reference".
"""

from millpond.services.athena.statements.model import Storage

LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON_OPENX = "org.openx.data.jsonserde.JsonSerDe"
JSON_HIVE = "org.apache.hive.hcatalog.data.JsonSerDe"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
PARQUET_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
PARQUET_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

PARQUET_STORAGE = Storage(PARQUET, {"serialization.format": "1"}, PARQUET_INPUT, PARQUET_OUTPUT)

_STORED_AS = {
    "PARQUET": (PARQUET, PARQUET_INPUT, PARQUET_OUTPUT),
    "TEXTFILE": (LAZY_SIMPLE, TEXT_INPUT, TEXT_OUTPUT),
    "JSONFILE": (JSON_HIVE, TEXT_INPUT, TEXT_OUTPUT),
    "ORC": (
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
    ),
    "AVRO": (
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
    ),
    "RCFILE": (
        "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
        "org.apache.hadoop.hive.ql.io.RCFileInputFormat",
        "org.apache.hadoop.hive.ql.io.RCFileOutputFormat",
    ),
    "SEQUENCEFILE": (
        LAZY_SIMPLE,
        "org.apache.hadoop.mapred.SequenceFileInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
    ),
}
STORED_AS = tuple(_STORED_AS)


def storage_of(
    stored_as: str | None,
    classes: tuple[str, str] | None,
    serde: str | None,
    serde_properties: dict[str, str],
) -> Storage:
    """The storage that a table's clauses ask for; each says what the one before it did not.

    `stored_as` is a word of STORED_AS, `classes` an INPUTFORMAT and OUTPUTFORMAT, `serde` the
    class of ROW FORMAT SERDE.
    """
    default_serde, default_input, default_output = _STORED_AS[stored_as or "TEXTFILE"]
    input_format, output_format = classes or (default_input, default_output)
    if serde == PARQUET and classes is None and stored_as is None:
        input_format, output_format = PARQUET_INPUT, PARQUET_OUTPUT
    properties = {"serialization.format": "1"} | serde_properties
    return Storage(serde or default_serde, properties, input_format, output_format)
