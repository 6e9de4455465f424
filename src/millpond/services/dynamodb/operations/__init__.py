"""DynamoDB's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

OPERATIONS: Mapping[str, Any] = {}
