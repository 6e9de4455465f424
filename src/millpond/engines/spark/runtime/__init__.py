"""What runs inside a cluster: the engine's process and the programs that its steps call.

Standard library, Spark's client and the engine only; nothing of Millpond outside this package. It
knows its cluster by its environment alone: AWS's own variables, SPARK_REMOTE and SPARK_CONF_DIR.
"""
