"""Makes the scripted sources and sinks of these tests importable, and the log's disks."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parents[1] / "log"))
