"""How a cluster's programs are told what they cannot ask for: variables of ours."""

MASTER_VARIABLE = "MILLPOND_SPARK_MASTER"
"""The cluster's master, for programs that name one of YARN's."""
SHARE_VARIABLE = "MILLPOND_SPARK_SHARE"
"""What one executor can have at most, as JSON: `{"cores": 2, "memory_bytes": …}`."""
