"""Who runs which part of a configuration. Their modules are imported when one is used: some need
packages that a plain install does not have."""

import importlib
from typing import Any

import msgspec

from millpond.services.firehose.delivery.interface import (
    Converter,
    Delivery,
    Destination,
    Transformer,
)
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.model.settings import is_enabled
from millpond.services.firehose.model.stream import Kind
from millpond.services.firehose.needs import Needs

_ROOM = "millpond.services.firehose"
_DESTINATIONS: dict[Kind, str] = {
    "HttpEndpoint": "destinations.http",
    "Amazonopensearchservice": "destinations.opensearch",
    "Elasticsearch": "destinations.opensearch",
    "Iceberg": "destinations.iceberg",
}
_SNAPPY = ("Snappy", "HADOOP_SNAPPY")


def _load(name: str) -> Any:
    """A module of this service.

    Raises:
        InvalidArgument: a package that it needs is not installed.
    """
    try:
        return importlib.import_module(f"{_ROOM}.{name}")
    except ModuleNotFoundError as error:
        raise InvalidArgument(
            f"This is not installed: the package {error.name} is missing "
            "(pip install 'millpond[firehose]')."
        ) from error


def check(kind: Kind, configuration: Any) -> None:
    """Have those judge a configuration who will run it.

    Raises:
        InvalidArgument: one of them cannot.
    """
    processing = configuration.processing_configuration
    if is_enabled(processing):
        _load("transform").check(processing, configuration)
    if kind in _DESTINATIONS:
        _load(_DESTINATIONS[kind]).check(configuration)
        settings = [configuration.s3_configuration]
    else:
        settings = [configuration, configuration.s3_backup_configuration]
        conversion = configuration.data_format_conversion_configuration
        if is_enabled(conversion):
            _load("convert").check(conversion)
    if any(one is not None and one.compression_format in _SNAPPY for one in settings):
        _need_snappy()


def _need_snappy() -> None:
    try:
        importlib.import_module("cramjam")
    except ModuleNotFoundError as error:
        raise InvalidArgument(
            "CompressionFormat Snappy is not installed: the package cramjam is missing "
            "(pip install 'millpond[firehose]')."
        ) from error


def transformer(needs: Needs, delivery: Delivery, *, always: bool) -> Transformer | None:
    """What the records go through first; None if nothing. `always`: also without processors, as
    Kinesis records may be aggregated."""
    if not always and not is_enabled(delivery.destination.processing_configuration):
        return None
    found: Transformer | None = _load("transform").transformer(needs, delivery)
    return found


def converter(
    needs: Needs, delivery: Delivery, conversion: msgspec.Struct | None
) -> Converter | None:
    """What makes columns of records; None if nothing does."""
    if not is_enabled(conversion):
        return None
    found: Converter = _load("convert").converter(needs, delivery, conversion)
    return found


def destination(needs: Needs, delivery: Delivery, kind: Kind) -> Destination | None:
    """Where batches go; None where objects go to S3."""
    if kind not in _DESTINATIONS:
        return None
    found: Destination = _load(_DESTINATIONS[kind]).destination(needs, delivery)
    return found
