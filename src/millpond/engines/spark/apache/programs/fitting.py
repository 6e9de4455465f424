"""What a program asks for, made to fit the cluster that it runs on.

Programs are written for YARN and for machines of their own size. There is no YARN here, and an
executor that no node can hold would be waited for without end.
"""

import json
import os
import re
from collections.abc import Mapping

from millpond.engines.spark.apache.properties import MEBIBYTE, heap_mib
from millpond.engines.spark.apache.variables import (
    MASTER_VARIABLE,
    OWN_VARIABLE,
    PAGE_VARIABLE,
    SHARE_VARIABLE,
)

_SIZE = re.compile(r"\s*(\d+)\s*([bkmgtp]?)b?\s*", re.IGNORECASE)
_UNITS = {"b": 1, "k": 1 << 10, "": 1 << 20, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_YARN = re.compile(r"yarn(-client|-cluster)?", re.IGNORECASE)


def fit(asked: Mapping[str, str]) -> dict[str, str]:
    """The properties, with the cluster's master for one of YARN and executors that fit a node."""
    found = dict(asked)
    master = os.environ.get(MASTER_VARIABLE)
    if master and _YARN.fullmatch(found.get("spark.master", "yarn")):
        found["spark.master"] = master
        found.pop("spark.submit.deployMode", None)
    page = os.environ.get(PAGE_VARIABLE)
    if page and found.get("spark.ui.port", "0") == "0":
        found["spark.ui.port"] = page
    for name in filter(None, os.environ.get(OWN_VARIABLE, "").split(",")):
        found.setdefault(f"spark.executorEnv.{name}", os.environ.get(name, ""))
    told = os.environ.get(SHARE_VARIABLE)
    if told is None:
        return found
    share = json.loads(told)
    _bound(found, "spark.driver.memory", heap_mib(share["driver_memory_bytes"]))
    if found.get("spark.master", "").startswith("local"):
        return found
    _bound(found, "spark.executor.memory", heap_mib(share["memory_bytes"]))
    for name in ("spark.executor.cores", "spark.task.cpus"):
        cores = found.get(name, "")
        if cores.isdigit() and int(cores) > share["cores"]:
            found[name] = str(share["cores"])
    return found


def _bound(found: dict[str, str], name: str, mebibytes_max: int) -> None:
    size = _SIZE.fullmatch(found.get(name, ""))
    if size and int(size[1]) * _UNITS[size[2].lower()] > mebibytes_max * MEBIBYTE:
        found[name] = f"{mebibytes_max}m"
