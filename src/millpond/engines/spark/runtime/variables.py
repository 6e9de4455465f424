"""How the platform tells a step's programs what they cannot ask for: variables of ours."""

CONF_VARIABLE = "MILLPOND_SPARK_CONF"
"""The properties of spark-submit, as a JSON object."""
PY_FILES_VARIABLE = "MILLPOND_SPARK_PYFILES"
"""A folder on the engine's own path, for what Python functions inside it import."""
