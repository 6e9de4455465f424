"""The engine's process: Sail's Spark Connect server and, beside it, the catalog that it sees.

Run as `python -m millpond.engines.spark.runtime.engine`. It writes one line of JSON to standard
output once it listens, `{"port": …}`, and serves until it is killed; what functions inside it print
goes to standard error.

Source: docs.lakesail.com, configuration (SAIL_* variables; `__` separates levels).
"""

import json
import os
import sys
import threading

from millpond.engines.spark.runtime import catalog

CATALOG_NAME = "spark_catalog"
"""What Spark calls its built-in catalog, which on EMR is the Glue Data Catalog."""


def main() -> None:
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if endpoint:
        listed = {
            "type": "glue",
            "name": CATALOG_NAME,
            "region": os.environ.get("AWS_REGION", "us-east-1"),
            "endpoint_url": catalog.serve(endpoint),
        }
        members = ", ".join(f"{name}={json.dumps(value)}" for name, value in listed.items())
        os.environ["SAIL_CATALOG__LIST"] = f"[{{{members}}}]"
        os.environ["SAIL_CATALOG__DEFAULT_CATALOG"] = CATALOG_NAME
    # Imported late: the engine reads its settings as it is loaded.
    from pysail.spark import SparkConnectServer  # noqa: PLC0415

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    threading.Event().wait()


if __name__ == "__main__":
    main()
