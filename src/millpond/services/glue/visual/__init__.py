"""Visual jobs: a graph of configured nodes becomes a PySpark script.

`nodes` are `CodeGenConfigurationNodes` of a job. `check` refuses a graph that has no script, and
names the node; `script` writes the script.
"""

from millpond.services.glue.visual.generating import check, script

__all__ = ["check", "script"]
