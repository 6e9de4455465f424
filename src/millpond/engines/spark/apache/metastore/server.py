"""The metastore's process: Thrift on a free port of this machine, a thread for each client.

Run as `python -m millpond.engines.spark.apache.metastore.server WAREHOUSE`, in an environment that
has boto3 (which finds AWS by its variables), Thrift and Hive's generated code. It writes one line
of JSON to standard output once it listens, `{"port": …}`, and serves until it is killed.

It is spoken to as a metastore of Hive 2.3 to 4 without Kerberos is: binary protocol, no transport
of its own. It asks no questions of whoever connects.
"""

import json
import logging
import os
import sys
from typing import Any, NoReturn

import boto3
from botocore.config import Config
from hive_metastore import ThriftHiveMetastore
from hive_metastore import ttypes as hive
from thrift.protocol import TBinaryProtocol
from thrift.server import TServer
from thrift.transport import TSocket, TTransport

from millpond.engines.spark.apache.metastore.absences import Absences
from millpond.engines.spark.apache.metastore.partitions import Partitions

VERSION = "2.3.10"
_CONNECTIONS_MAX = 32


class Metastore(Partitions, Absences):
    """All that is answered; anything else is refused by its name."""

    def getMetaConf(self, key: str) -> str:
        return ""

    def setMetaConf(self, key: str, value: str) -> None:
        """A client's setting of its session; none has an effect here."""

    def set_ugi(self, user_name: str, group_names: list[str]) -> list[str]:
        return [user_name, *group_names]

    def get_config_value(self, name: str, defaultValue: str) -> str:
        return defaultValue

    def getVersion(self) -> str:
        return VERSION

    def getName(self) -> str:
        return "metastore"

    def shutdown(self) -> None:
        """What a client says as it leaves."""

    def flushCache(self) -> None:
        """Nothing is kept here."""

    def __getattr__(self, name: str) -> NoReturn:
        raise hive.MetaException(f"{name} is not supported by the Glue Data Catalog.")


class _Listening(TSocket.TServerSocket):  # type: ignore[misc]
    """Listens on a free port, and says so."""

    def listen(self) -> None:
        super().listen()
        port = self.handle.getsockname()[1]
        sys.stdout.write(json.dumps({"port": port}) + "\n")
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    config = Config(max_pool_connections=_CONNECTIONS_MAX, retries={"mode": "standard"})
    glue: Any = boto3.client("glue", config=config)
    s3: Any = boto3.client("s3", config=config)
    metastore = Metastore(glue, s3, sys.argv[1])
    server = TServer.TThreadedServer(
        ThriftHiveMetastore.Processor(metastore),
        _Listening("127.0.0.1", 0),
        TTransport.TBufferedTransportFactory(),
        TBinaryProtocol.TBinaryProtocolFactory(),
        daemon=True,
    )
    server.serve()


if __name__ == "__main__":
    main()
