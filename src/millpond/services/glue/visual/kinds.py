"""The kinds of nodes: what each is, and why some are refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["source", "transform", "target"]
MANY = -1
"""One input or more."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a node of a kind is. `collects`: it gives several frames, of which one is chosen."""

    role: Role
    inputs: int
    collects: bool = False


SOURCE, TRANSFORM, TARGET = Kind("source", 0), Kind("transform", 1), Kind("target", 1)

KINDS: Mapping[str, Kind] = {
    "S3CsvSource": SOURCE,
    "S3JsonSource": SOURCE,
    "S3ParquetSource": SOURCE,
    "CatalogSource": SOURCE,
    "S3CatalogSource": SOURCE,
    "RelationalCatalogSource": SOURCE,
    "MySQLCatalogSource": SOURCE,
    "PostgreSQLCatalogSource": SOURCE,
    "DirectJDBCSource": SOURCE,
    "JDBCConnectorSource": SOURCE,
    "DirectKinesisSource": SOURCE,
    "CatalogKinesisSource": SOURCE,
    "ApplyMapping": TRANSFORM,
    "SelectFields": TRANSFORM,
    "DropFields": TRANSFORM,
    "RenameField": TRANSFORM,
    "Filter": TRANSFORM,
    "Join": Kind("transform", 2),
    "Union": Kind("transform", 2),
    "Merge": Kind("transform", 2),
    "Aggregate": TRANSFORM,
    "DropDuplicates": TRANSFORM,
    "DropNullFields": TRANSFORM,
    "FillMissingValues": TRANSFORM,
    "SparkSQL": Kind("transform", MANY),
    "CustomCode": Kind("transform", MANY, collects=True),
    "SplitFields": Kind("transform", 1, collects=True),
    "Route": Kind("transform", 1, collects=True),
    "SelectFromCollection": TRANSFORM,
    "Spigot": TRANSFORM,
    "S3DirectTarget": TARGET,
    "S3GlueParquetTarget": TARGET,
    "S3CatalogTarget": TARGET,
    "CatalogTarget": TARGET,
    "MySQLCatalogTarget": TARGET,
    "PostgreSQLCatalogTarget": TARGET,
    "JDBCConnectorTarget": TARGET,
}
"""Those that become Python, by AWS's names."""

_MARKETPLACE = "connectors of the marketplace are JARs that jobs here do not load."
_DATABASE = "jobs here reach PostgreSQL and MySQL alone."
_REDSHIFT = "jobs here do not reach Redshift; read what it unloads to S3."
_QUALITY = "the rules of Glue Data Quality are not evaluated here; use SparkSQL or CustomCode."
_GOVERNED = "AWS ended governed tables; use S3CatalogSource and S3CatalogTarget."
_ICEBERG = "the library of jobs has no Iceberg; read and write it with Spark SQL in a script."
_HUDI = "the library of jobs has no Hudi."
_DELTA = "the library of jobs has no Delta Lake."
_KAFKA = "jobs here do not read Kafka."
_DYNAMODB = "the library of jobs has no DynamoDB."
_SNOWFLAKE = "jobs here do not reach Snowflake."
_SAAS = "jobs here have no connectors to other services."

REFUSED: Mapping[str, str] = {
    "AthenaConnectorSource": _MARKETPLACE,
    "SparkConnectorSource": _MARKETPLACE,
    "SparkConnectorTarget": _MARKETPLACE,
    "RedshiftSource": _REDSHIFT,
    "RedshiftTarget": _REDSHIFT,
    "AmazonRedshiftSource": _REDSHIFT,
    "AmazonRedshiftTarget": _REDSHIFT,
    "DynamoDBCatalogSource": _DYNAMODB,
    "DynamoDBELTConnectorSource": _DYNAMODB,
    "DirectKafkaSource": _KAFKA,
    "CatalogKafkaSource": _KAFKA,
    "MicrosoftSQLServerCatalogSource": _DATABASE,
    "OracleSQLCatalogSource": _DATABASE,
    "MicrosoftSQLServerCatalogTarget": _DATABASE,
    "OracleSQLCatalogTarget": _DATABASE,
    "GovernedCatalogSource": _GOVERNED,
    "GovernedCatalogTarget": _GOVERNED,
    "EvaluateDataQuality": _QUALITY,
    "EvaluateDataQualityMultiFrame": _QUALITY,
    "PIIDetection": "AWS's detectors of personal data are not to be had; use CustomCode.",
    "DynamicTransform": "its Python module in S3 is not loaded here; use CustomCode.",
    "Recipe": "the steps of DataBrew are not to be had; use SparkSQL or CustomCode.",
    "S3CatalogHudiSource": _HUDI,
    "CatalogHudiSource": _HUDI,
    "S3HudiSource": _HUDI,
    "S3HudiCatalogTarget": _HUDI,
    "S3HudiDirectTarget": _HUDI,
    "S3CatalogDeltaSource": _DELTA,
    "CatalogDeltaSource": _DELTA,
    "S3DeltaSource": _DELTA,
    "S3DeltaCatalogTarget": _DELTA,
    "S3DeltaDirectTarget": _DELTA,
    "S3CatalogIcebergSource": _ICEBERG,
    "CatalogIcebergSource": _ICEBERG,
    "S3IcebergCatalogTarget": _ICEBERG,
    "S3IcebergDirectTarget": _ICEBERG,
    "S3ExcelSource": "the library of jobs has no Excel; save the sheets as CSV.",
    "S3HyperDirectTarget": "Tableau's format is not to be had; write Parquet.",
    "SnowflakeSource": _SNOWFLAKE,
    "SnowflakeTarget": _SNOWFLAKE,
    "ConnectorDataSource": _SAAS,
    "ConnectorDataTarget": _SAAS,
}
"""Those that are refused by their names, with the reason."""


def kind_of(name: str) -> Kind:
    """What nodes of a kind that is not refused are."""
    return KINDS[name]
