"""Clusters on Apache Spark, whose releases are made once for a checkout."""

from pathlib import Path

import pytest

from millpond.engines.spark.apache.versions import VERSIONS

RELEASES = Path(__file__).resolve().parents[4] / "build" / "releases"


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def version(request):
    return request.param


@pytest.fixture(scope="session")
def releases_folder():
    return RELEASES
