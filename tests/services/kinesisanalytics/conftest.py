"""The world of version 2, whose applications version 1 shows."""

from tests.services.kinesisanalyticsv2.conftest import world  # noqa: F401 - a fixture
