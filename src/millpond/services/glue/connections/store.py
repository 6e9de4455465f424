"""Connections in records: by account, region and name. Values have AWS's member names."""

from millpond.services.glue.connections.model import Stored
from millpond.services.glue.named import Named

_connections = Named("connection", Stored, lambda connection: connection.input.name)

load_connection = _connections.load
save_connection = _connections.save
delete_connection = _connections.delete
scan_connections = _connections.scan
