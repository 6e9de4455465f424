"""How a Flink application is checkpointed, watched and spread: AWS's defaults and what may change.

A block is CUSTOM, or DEFAULT and then has AWS's values, also where a request says others.
Source: API reference, CheckpointConfiguration, MonitoringConfiguration, ParallelismConfiguration.
"""

from collections.abc import Mapping
from typing import Any

from millpond.services.kinesisanalyticsv2.errors import InvalidArgument

PARALLELISM_MAX = 256
PARALLELISM_PER_KPU_MAX = 8
_BLOCKS: Mapping[str, Mapping[str, Any]] = {
    "CheckpointConfiguration": {
        "CheckpointingEnabled": True,
        "CheckpointInterval": 60_000,
        "MinPauseBetweenCheckpoints": 5_000,
    },
    "MonitoringConfiguration": {"MetricsLevel": "APPLICATION", "LogLevel": "INFO"},
    "ParallelismConfiguration": {
        "Parallelism": 1,
        "ParallelismPerKPU": 1,
        "AutoScalingEnabled": True,
    },
}


def describe_flink(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """FlinkApplicationConfigurationDescription of FlinkApplicationConfiguration.

    Raises:
        InvalidArgument: a value is beyond what AWS allows.
    """
    described: dict[str, Any] = {}
    for block, defaults in _BLOCKS.items():
        said = (given or {}).get(block, {"ConfigurationType": "DEFAULT"})
        described[f"{block}Description"] = _settle(block, defaults, {}, said)
    return described


def update_flink(described: Mapping[str, Any] | None, updates: Mapping[str, Any]) -> dict[str, Any]:
    """The description after a FlinkApplicationConfigurationUpdate.

    Raises:
        InvalidArgument: a value is beyond what AWS allows.
    """
    updated = dict(described or describe_flink(None))
    for block, defaults in _BLOCKS.items():
        update = updates.get(f"{block}Update")
        if update is not None:
            said = {name.removesuffix("Update"): value for name, value in update.items()}
            known = updated[f"{block}Description"]
            updated[f"{block}Description"] = _settle(block, defaults, known, said)
    return updated


def _settle(
    block: str, defaults: Mapping[str, Any], known: Mapping[str, Any], said: Mapping[str, Any]
) -> dict[str, Any]:
    merged = {**defaults, **known, **said}
    if merged.get("ConfigurationType") == "DEFAULT":
        merged |= defaults
    if block == "ParallelismConfiguration":
        _check_parallelism(merged)
    return merged


def _check_parallelism(merged: dict[str, Any]) -> None:
    for name, highest in (
        ("Parallelism", PARALLELISM_MAX),
        ("ParallelismPerKPU", PARALLELISM_PER_KPU_MAX),
    ):
        if merged[name] > highest:
            raise InvalidArgument(f"{name} must be {highest} or less: {merged[name]}.")
    merged["CurrentParallelism"] = merged["Parallelism"]


def kpus(described: Mapping[str, Any]) -> int:
    """Kinesis processing units that AWS would count: for parallel tasks, and one to direct them."""
    parallelism = described["ParallelismConfigurationDescription"]
    return -(-int(parallelism["Parallelism"]) // int(parallelism["ParallelismPerKPU"])) + 1
