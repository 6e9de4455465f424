"""What Firehose does to records before they are delivered: its processors, each a module."""

import importlib.util
from typing import Any

from millpond.services.firehose.delivery.interface import Delivery, Transformer
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.shapes import (
    IcebergDestinationConfiguration,
    ProcessingConfiguration,
)
from millpond.services.firehose.transform.configuration import Processing, read
from millpond.services.firehose.transform.pipeline import Pipeline

__all__ = ["check", "transformer"]


def check(processing: ProcessingConfiguration | None, destination: Any) -> None:
    """Return if `processing` can be done for this destination's configuration.

    Raises:
        InvalidArgument: it cannot; the text says why.
    """
    asked = read(processing)
    if asked.query is not None and not isinstance(destination, IcebergDestinationConfiguration):
        partitioning = getattr(destination, "dynamic_partitioning_configuration", None)
        if partitioning is None or partitioning.enabled is False:
            raise InvalidArgument(
                "A processor of type MetadataExtraction needs dynamic partitioning."
            )
    if asked.query is not None and importlib.util.find_spec("jq") is None:
        raise InvalidArgument(
            "A processor of type MetadataExtraction needs jq: install millpond[firehose]."
        )


def transformer(needs: Needs, delivery: Delivery) -> Transformer | None:
    """What turns the records of a delivery stream into others; None when nothing is to be done.

    Records from a Kinesis stream always pass through one: aggregates are opened.
    """
    processing = read(delivery.destination.processing_configuration)
    if processing == Processing() and delivery.source_arn is None:
        return None
    return Pipeline(needs, delivery, processing)
