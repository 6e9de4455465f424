"""Clusters on Apache Spark, whose releases are made once for a checkout."""

import sys
from pathlib import Path

import pytest

from millpond.engines.spark.apache.releases import Releases
from millpond.engines.spark.apache.spark import ApacheSpark
from millpond.engines.spark.apache.versions import VERSIONS
from millpond.engines.spark.interface import Size

RELEASES = Path(__file__).resolve().parents[4] / "build" / "releases"
CAPACITY = Size(2, 3 << 30)


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def version(request):
    return request.param


@pytest.fixture
def spark(data, marker, version):
    return ApacheSpark(data, marker, CAPACITY, Releases(RELEASES, "", marker), version)


@pytest.fixture
def release_packages(version):
    """Where a release's packages are: what the metastore needs is not in Millpond's own."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return RELEASES / version.folder_name / "python" / "lib" / python / "site-packages"
