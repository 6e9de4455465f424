"""Names of delivered objects.

`<delivery stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid><extension>`, where the UUID is derived
from what the object holds rather than drawn: an object that is written again after a crash has the
name it had before.

Source: Firehose Developer Guide, Configure Amazon S3 object name format.
"""

import base64
import hashlib
import uuid
from datetime import datetime

from millpond.services.firehose.model.prefixes import RANDOM_LENGTH

COMPRESSION_EXTENSIONS = {
    "GZIP": ".gz",
    "ZIP": ".zip",
    "Snappy": ".snappy",
    "HADOOP_SNAPPY": ".hsnappy",
    "UNCOMPRESSED": "",
}


def derive_uuid(*parts: str) -> str:
    """The same UUID for the same parts; another one for others."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def derive_random(identity: str) -> str:
    """What `!{firehose:random-string}` is in the object of this UUID: 11 letters and digits."""
    digest = hashlib.sha256(f"random\0{identity}".encode()).digest()
    text = base64.b64encode(digest).decode()
    return "".join(letter for letter in text if letter.isalnum())[:RANDOM_LENGTH]


def object_name(stream: str, version: int, when: datetime, identity: str, extension: str) -> str:
    return f"{stream}-{version}-{when:%Y-%m-%d-%H-%M-%S}-{identity}{extension}"
