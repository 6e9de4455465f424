"""`millpond env`: lines that make a shell's AWS clients and PySpark programs use this server."""

import os
import shlex
from importlib.util import find_spec
from pathlib import Path

from millpond.app.credentials import KeyPair
from millpond.app.folder import Run

_CLEARED = (
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)
"""What an earlier session may have left behind that would lead clients elsewhere."""


def export_lines(run: Run, pair: KeyPair) -> str:
    """Shell commands for `eval`, every value quoted."""
    lines = [f"unset {' '.join(_CLEARED)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables(run, pair).items()]
    return "\n".join(lines)


def variables(run: Run, pair: KeyPair) -> dict[str, str]:
    """The variables by which boto3, the AWS CLI, Arrow, Sail and PySpark find the server.

    PySpark's client asks for SPARK_HOME when it is run by `python -c`, which it takes for its own
    tests; any folder will do, and a SPARK_HOME that is set already stays. StartLiveTail of
    CloudWatch Logs goes to a host of its own, `stream-` before the endpoint's name, unless clients
    are told not to do so.
    """
    found = {
        "AWS_ACCESS_KEY_ID": pair.access_key_id,
        "AWS_SECRET_ACCESS_KEY": pair.secret_access_key,
        "AWS_DEFAULT_REGION": run.region,
        "AWS_REGION": run.region,
        "AWS_ENDPOINT_URL": run.endpoint,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }
    if run.spark_remote:
        found["SPARK_REMOTE"] = run.spark_remote
        found["SPARK_CONNECT_AUTHENTICATE_TOKEN"] = run.spark_token
        client = find_spec("pyspark")
        if client is not None and client.origin and "SPARK_HOME" not in os.environ:
            found["SPARK_HOME"] = str(Path(client.origin).parent)
    return found
