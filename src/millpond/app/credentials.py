"""Access keys: the root's, made once for a data folder, and temporary ones, lent to jobs.

Secrets are never logged; `repr` of a credential does not show them.
"""

import base64
import configparser
import hashlib
import os
import re
import secrets
import string
from collections.abc import Mapping
from pathlib import Path

import msgspec

from millpond.engines.records.interface import Records, end_of
from millpond.kernel.call import Principal
from millpond.kernel.clock import Clock
from millpond.kernel.credentials import Credential
from millpond.kernel.ids import Ids

FILE_NAME = "root-credentials"
ROOT_VARIABLES = ("MILLPOND_ROOT_ACCESS_KEY_ID", "MILLPOND_ROOT_SECRET_ACCESS_KEY")
REMEMBERED_MS = 24 * 3600 * 1000
"""How long an expired key is kept, so that its late user hears that it has expired."""

_PREFIX = b"credential\x00"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"


class BadRootCredentials(ValueError):
    """The root credentials cannot be used; the message says why, without the secret."""


class KeyPair(msgspec.Struct, frozen=True):
    """An access key id and its secret."""

    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"KeyPair({self.access_key_id!r})"


def load_root(data: Path, environment: Mapping[str, str]) -> KeyPair | None:
    """The root's key pair: the environment's, else the data folder's; None if there is neither.

    Raises:
        BadRootCredentials: only half of it is set, or it is too short or damaged.
    """
    key, secret = (environment.get(name) for name in ROOT_VARIABLES)
    if (key is None) != (secret is None):
        raise BadRootCredentials(f"Set {' and '.join(ROOT_VARIABLES)} together.")
    if key is not None and secret is not None:
        return _checked(KeyPair(key, secret), ROOT_VARIABLES[0])
    path = data / FILE_NAME
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadRootCredentials(f"{path} cannot be read: {type(error).__name__}.") from error
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
        pair = KeyPair(
            parser.get("default", "aws_access_key_id"),
            parser.get("default", "aws_secret_access_key"),
        )
    except configparser.Error as error:
        raise BadRootCredentials(f"{path} is not a credentials file.") from error
    return _checked(pair, str(path))


def load_or_create_root(data: Path, environment: Mapping[str, str], ids: Ids) -> KeyPair:
    """The root's key pair, made and kept in the data folder (mode 0600) if there is none yet.

    The file has the form of the AWS CLI's credentials file.

    Raises:
        BadRootCredentials: as `load_root`.
    """
    pair = load_root(data, environment)
    if pair is not None:
        return pair
    pair = KeyPair("AKIA" + ids.alphanumeric(16), _secret())
    path = data / FILE_NAME
    draft = path.with_name(f"{FILE_NAME}.{ids.hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(
            "[default]\n"
            f"aws_access_key_id = {pair.access_key_id}\n"
            f"aws_secret_access_key = {pair.secret_access_key}\n"
        )
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(data, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return pair


def _secret() -> str:
    """A secret access key of 40 characters, always from the operating system's entropy."""
    return "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))


def _checked(pair: KeyPair, source: str) -> KeyPair:
    if not re.fullmatch(r"\w{3,128}", pair.access_key_id, re.ASCII):
        raise BadRootCredentials(f"{source}: an access key id is 3 to 128 letters and digits.")
    if not re.fullmatch(r"[!-~]{8,128}", pair.secret_access_key):
        raise BadRootCredentials(f"{source}: a secret access key is 8 to 128 printable characters.")
    return pair


class _Stored(msgspec.Struct, array_like=True, frozen=True):
    secret_access_key: str
    session_token: str
    expires_ms: int
    arn: str
    user_id: str
    actions: tuple[str, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class StoredCredentials:
    """The root's credential and the temporary ones in records.

    Is the `Credentials` that the gateway asks and the `CredentialsIssuer` that services are lent.
    """

    def __init__(
        self, root: KeyPair, account: str, records: Records, clock: Clock, ids: Ids
    ) -> None:
        self._account = account
        self._records = records
        self._clock = clock
        self._ids = ids
        self.root = Credential(
            access_key_id=root.access_key_id,
            secret_access_key=root.secret_access_key,
            principal=Principal(
                arn=f"arn:aws:iam::{account}:root",
                user_id=account,
                access_key_id=root.access_key_id,
            ),
        )

    async def find(self, access_key_id: str) -> Credential | None:
        """The credential of an id, expired or not (see its `expires_ms`); None if it is unknown."""
        if access_key_id == self.root.access_key_id:
            return self.root
        if not re.fullmatch("ASIA[A-Z0-9]{16}", access_key_id):
            return None
        async with self._records.transaction() as transaction:
            value = await transaction.get(_PREFIX + access_key_id.encode())
        return None if value is None else _credential(access_key_id, _decode(value))

    async def issue(
        self, *, role: str, session_name: str, actions: tuple[str, ...], lifetime_seconds: int
    ) -> Credential:
        """Temporary credentials of the assumed role `role`, durable before this returns."""
        fresh = (_secret(), secrets.token_urlsafe(96))
        stored = self._assumed(fresh, role, session_name, actions, lifetime_seconds)
        access_key_id = "ASIA" + self._ids.alphanumeric(16)
        async with self._records.transaction() as transaction:
            transaction.put(_PREFIX + access_key_id.encode(), _encode(stored))
        return _credential(access_key_id, stored)

    async def assign(
        self,
        access_key_id: str,
        *,
        role: str,
        session_name: str,
        actions: tuple[str, ...],
        lifetime_seconds: int,
    ) -> Credential:
        """Make lent credentials those of another assumed role; keys and token stay.

        Raises:
            LookupError: they were revoked.
        """
        async with self._records.transaction() as transaction:
            value = await transaction.get(_PREFIX + access_key_id.encode())
            if value is None:
                raise LookupError(f"The credentials {access_key_id} were revoked.")
            known = _decode(value)
            same = (known.secret_access_key, known.session_token)
            stored = self._assumed(same, role, session_name, actions, lifetime_seconds)
            transaction.put(_PREFIX + access_key_id.encode(), _encode(stored))
        return _credential(access_key_id, stored)

    async def revoke(self, access_key_id: str) -> None:
        """End them now; an unknown id is no error."""
        async with self._records.transaction() as transaction:
            transaction.delete(_PREFIX + access_key_id.encode())

    def _assumed(
        self,
        keys: tuple[str, str],
        role: str,
        session_name: str,
        actions: tuple[str, ...],
        lifetime_seconds: int,
    ) -> _Stored:
        secret_access_key, session_token = keys
        return _Stored(
            secret_access_key=secret_access_key,
            session_token=session_token,
            expires_ms=self._clock.now_ms() + lifetime_seconds * 1000,
            arn=f"arn:aws:sts::{self._account}:assumed-role/{role}/{session_name}",
            user_id=f"{_role_id(self._account, role)}:{session_name}",
            actions=actions,
        )

    async def remove_expired(self) -> int:
        """Forget those that expired a day ago or more; how many they were."""
        limit_ms = self._clock.now_ms() - REMEMBERED_MS
        async with self._records.transaction() as transaction:
            expired = [
                key
                async for key, value in transaction.scan(_PREFIX, end_of(_PREFIX))
                if _decode(value).expires_ms <= limit_ms
            ]
        for key in expired:
            async with self._records.transaction() as transaction:
                transaction.delete(key)
        return len(expired)


def _role_id(account: str, role: str) -> str:
    """The unique id of a role, as AWS forms them: AROA and 17 letters and digits."""
    digest = hashlib.sha256(f"{account}/{role}".encode()).digest()
    return "AROA" + base64.b32encode(digest)[:17].decode()


def _credential(access_key_id: str, stored: _Stored) -> Credential:
    return Credential(
        access_key_id=access_key_id,
        secret_access_key=stored.secret_access_key,
        principal=Principal(
            arn=stored.arn,
            user_id=stored.user_id,
            access_key_id=access_key_id,
            actions=stored.actions,
        ),
        session_token=stored.session_token,
        expires_ms=stored.expires_ms,
    )
