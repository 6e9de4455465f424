"""STS's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.sts.operations.identity import get_caller_identity

OPERATIONS: Mapping[str, Any] = {"GetCallerIdentity": get_caller_identity}
