"""Instance types: vCPUs, memory and weight, from the names of families and sizes.

A type is a family and a size, `m5.4xlarge`. The size tells the vCPUs (large 2, xlarge 4, Nxlarge
4N), the family the memory for each of them; the few that do not follow that stand in a table.

Source: EMR Management Guide, "Supported instance types"; "normalized instance hours"; EC2 User
Guide for instance types.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from millpond.engines.spark.interface import Size
from millpond.services.emr.errors import Validation

_GIB = 1 << 30
_NAME = re.compile(r"([a-z]+[0-9]+[a-z-]*)\.(?:(medium|large|metal)|(\d*)xlarge(?:-(\d+))?)")

_FAMILIES: Mapping[float, str] = {
    1.7: "c1",
    1.875: "c3 c4",
    2: "c5 c5a c5ad c5d c6a c6g c6gd c6i c6id c7a c7g c7gd c7i c7i-flex c8g c8gd c8i"
    " c6gn c6in c7gn",
    2.625: "c5n",
    3.75: "m1 m3",
    4: "m4 m5 m5a m5ad m5d m5dn m5n m5zn m6a m6g m6gd m6i m6id m6idn m6in m7a m7g m7gd m7i m7i-flex"
    " m8g m8gd m8i g4dn g5 g6 h1 im4gn",
    6: "is4gen",
    7.625: "r3 r4 i3 d2 g3 p3",
    8: "r5 r5a r5ad r5b r5d r5dn r5n r6a r6g r6gd r6i r6id r6idn r6in r7a r7g r7gd r7i r7iz r8g"
    " r8gd r8i i3en i4i i4g i7ie i8g d3 d3en z1d",
    12: "p4d",
    15.25: "x1",
    16: "x2gd x2idn x8g",
    30.5: "x1e",
    32: "x2iedn x2iezn",
}
"""GiB for each vCPU, and the families that have so much."""
_MEMORY = {family: ratio for ratio, names in _FAMILIES.items() for family in names.split()}
_METAL_CORES = {"c5": 96, "m5": 96, "r5": 96, "i3": 72, "z1d": 48, "c6g": 64, "m6g": 64, "r6g": 64}
_METAL_CORES_DEFAULT = 128
_ODD = {
    "c1.medium": (2, 1.7), "c1.xlarge": (8, 7.0), "m1.small": (1, 1.7), "m1.medium": (1, 3.75),
    "m2.xlarge": (2, 17.1), "m2.2xlarge": (4, 34.2), "m2.4xlarge": (8, 68.4),
    "c3.8xlarge": (32, 60.0), "c4.8xlarge": (36, 60.0), "d2.8xlarge": (36, 244.0),
    "cc2.8xlarge": (32, 60.5), "g3s.xlarge": (4, 30.5),
}  # fmt: skip
_WEIGHTS = {"small": 1, "medium": 2, "large": 4, "xlarge": 8}


@dataclass(frozen=True, slots=True)
class InstanceType:
    """What an instance type is on EC2."""

    name: str
    cores: int
    memory_gib: float

    @property
    def size(self) -> Size:
        return Size(self.cores, int(self.memory_gib * _GIB))

    @property
    def weight(self) -> int:
        """Normalised instance hours for each hour: an m1.small is 1."""
        size = self.name.partition(".")[2]
        if size in _WEIGHTS:
            return _WEIGHTS[size]
        times = re.fullmatch(r"(\d+)xlarge", size)
        return 8 * int(times[1]) if times else 2 * self.cores


def find_type(name: str) -> InstanceType | None:
    """The type of that name; None when EMR has none."""
    if odd := _ODD.get(name):
        return InstanceType(name, *odd)
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in _MEMORY:
        return None
    family, word, times = match[1], match[2], match[3]
    if word == "metal":
        cores = _METAL_CORES.get(family, _METAL_CORES_DEFAULT)
    elif word is not None:
        cores = {"medium": 1, "large": 2}[word]
    else:
        cores = 4 * int(times or 1)
    return InstanceType(name, cores, round(cores * _MEMORY[family], 3))


def require_type(name: str) -> InstanceType:
    """The type of that name.

    Raises:
        Validation: EMR has none of that name.
    """
    found = find_type(name)
    if found is None:
        raise Validation(f"Instance type '{name}' is not supported.")
    return found
