"""How a cluster's programs are told what they cannot ask for: variables of ours."""

MASTER_VARIABLE = "MILLPOND_SPARK_MASTER"
"""The cluster's master, for programs that name one of YARN's."""
SHARE_VARIABLE = "MILLPOND_SPARK_SHARE"
"""What one executor and a driver can have at most, as JSON: `{"cores": 2, "memory_bytes": …,
"driver_memory_bytes": …}`."""
PAGE_VARIABLE = "MILLPOND_SPARK_PAGE"
"""The port for an application's page."""
OWN_VARIABLE = "MILLPOND_SPARK_OWN"
"""Names of variables, with commas between, that an application was given and its executors need."""
