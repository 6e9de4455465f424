"""The workers that a job run asks for, as its properties size them.

Source: EMR Serverless User Guide, "Spark job properties", "Hive job properties"; their defaults.
"""

import math
import re
from collections.abc import Mapping

from millpond.services.emrserverless.errors import Validation
from millpond.services.emrserverless.model.records import Engine, Worker, Workers
from millpond.services.emrserverless.model.sizes import (
    DISK_GB_DEFAULT,
    DISK_GB_MAX,
    SHUFFLE_DISK_GB_MAX,
    fit_worker,
)

EXECUTORS_DEFAULT = 3
SIZING = (
    "spark.driver.cores", "spark.driver.memory", "spark.executor.cores", "spark.executor.memory",
    "spark.executor.instances", "spark.dynamicAllocation.", "spark.emr-serverless.",
)  # fmt: skip
"""How properties begin that size workers: a cluster's nodes are what they came to."""
_OVERHEAD_SHARE, _OVERHEAD_GB_MIN = 0.1, 0.375
_COUNT = re.compile(r"[0-9]{1,9}")
_AMOUNT = re.compile(r"([0-9]{1,15})\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS_GB = {"k": 1 / (1 << 20), "m": 1 / 1024, "g": 1.0, "t": 1024.0}


def read_workers(engine: Engine, properties: Mapping[str, str]) -> Workers:
    """The workers of a run with these properties, the run's over the application's.

    Raises:
        Validation: a size is none, or there is no worker of that size.
    """
    return _spark(properties) if engine == "Spark" else _hive(properties)


def default_workers(engine: Engine) -> Workers:
    """Those of a run that says nothing of them."""
    return read_workers(engine, {})


def _spark(properties: Mapping[str, str]) -> Workers:
    def worker(role: str) -> Worker:
        memory_gb = _gb(properties, f"spark.{role}.memory", "14g", "m")
        overhead = properties.get(f"spark.{role}.memoryOverhead")
        if overhead:
            overhead_gb = _gb(properties, f"spark.{role}.memoryOverhead", "", "m")
        else:
            share = _share(properties, role)
            overhead_gb = max(memory_gb * share, _OVERHEAD_GB_MIN)
        kind = properties.get(f"spark.emr-serverless.{role}.disk.type", "standard")
        return fit_worker(
            _count(properties, f"spark.{role}.cores", 4),
            memory_gb + overhead_gb,
            int(_gb(properties, f"spark.emr-serverless.{role}.disk", "20g", "g")),
            SHUFFLE_DISK_GB_MAX if kind.lower() == "shuffle_optimized" else DISK_GB_MAX,
        )

    return Workers(worker("driver"), worker("executor"), _executors(properties))


def _hive(properties: Mapping[str, str]) -> Workers:
    driver_gb = _gb(properties, "hive.driver.memory", "4g", "m")
    driver = fit_worker(
        _count(properties, "hive.driver.cores", 2),
        driver_gb + max(driver_gb * _OVERHEAD_SHARE, _OVERHEAD_GB_MIN),
        int(_gb(properties, "hive.driver.disk.size", "20g", "g")),
    )
    task = fit_worker(
        _count(properties, "hive.tez.cpu.vcores", 2),
        _gb(properties, "hive.tez.container.size", "6144m", "m"),
        int(_gb(properties, "hive.tez.disk.size", f"{DISK_GB_DEFAULT}g", "g")),
    )
    return Workers(driver, task, EXECUTORS_DEFAULT)


def _executors(properties: Mapping[str, str]) -> int:
    asked = _count(properties, "spark.executor.instances", EXECUTORS_DEFAULT)
    prefix = "spark.dynamicAllocation"
    if properties.get(f"{prefix}.enabled", "true").lower() != "true":
        return asked
    if f"{prefix}.initialExecutors" in properties:
        asked = _count(properties, f"{prefix}.initialExecutors", asked)
    most = properties.get(f"{prefix}.maxExecutors", "infinity")
    if most != "infinity":
        asked = min(asked, _count(properties, f"{prefix}.maxExecutors", asked))
    return max(asked, _count(properties, f"{prefix}.minExecutors", 0), 1)


def _count(properties: Mapping[str, str], name: str, default: int) -> int:
    text = properties.get(name, "").strip()
    if text and _COUNT.fullmatch(text) is None:
        raise Validation(f"{name} should be a number, not {text!r}.")
    return int(text) if text else default


def _gb(properties: Mapping[str, str], name: str, default: str, unit: str) -> float:
    text = properties.get(name, "").strip() or default
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise Validation(f"{name} should be an amount such as 4g, not {text!r}.")
    return int(found[1]) * _UNITS_GB[found[2].lower() or unit]


def _share(properties: Mapping[str, str], role: str) -> float:
    for name in (
        f"spark.{role}.memoryOverheadFactor",
        "spark.emr-serverless.memoryOverheadFactor",
    ):
        if text := properties.get(name):
            try:
                share = float(text)
            except ValueError:
                share = math.nan
            if not 0 <= share < math.inf:
                raise Validation(f"{name} should be a number, not {text!r}.")
            return share
    return _OVERHEAD_SHARE
