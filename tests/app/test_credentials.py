"""Root keys are made once and kept to ourselves; temporary ones last as long as they say."""

import stat
from pathlib import Path

import pytest

from millpond.app.credentials import (
    REMEMBERED_MS,
    BadRootCredentials,
    KeyPair,
    StoredCredentials,
    load_or_create_root,
    load_root,
)
from millpond.engines.records.interface import Records
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds, SystemIds

ROOT = KeyPair("AKIAROOTROOTROOTROOT", "root-secret-of-the-test")
GIVEN = {"MILLPOND_ROOT_ACCESS_KEY_ID": "mine", "MILLPOND_ROOT_SECRET_ACCESS_KEY": "long-enough"}


@pytest.fixture
def stored(records: Records, clock: ManualClock) -> StoredCredentials:
    return StoredCredentials(ROOT, "000000000000", records, clock, SeededIds())


def test_root_keys_are_made_once_for_a_folder(tmp_path: Path) -> None:
    assert load_root(tmp_path, {}) is None
    pair = load_or_create_root(tmp_path, {}, SystemIds())
    assert pair.access_key_id.startswith("AKIA")
    assert (len(pair.access_key_id), len(pair.secret_access_key)) == (20, 40)
    assert load_or_create_root(tmp_path, {}, SystemIds()) == pair
    assert load_root(tmp_path, {}) == pair


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    load_or_create_root(tmp_path, {}, SystemIds())
    mode = (tmp_path / "root-credentials").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["root-credentials"]


def test_the_environment_s_keys_win_and_are_not_written_down(tmp_path: Path) -> None:
    load_or_create_root(tmp_path, {}, SystemIds())
    before = (tmp_path / "root-credentials").read_text()
    assert load_or_create_root(tmp_path, GIVEN, SystemIds()) == KeyPair("mine", "long-enough")
    assert (tmp_path / "root-credentials").read_text() == before


@pytest.mark.parametrize(
    "environment",
    [
        {"MILLPOND_ROOT_ACCESS_KEY_ID": "mine"},
        {"MILLPOND_ROOT_SECRET_ACCESS_KEY": "long-enough"},
        GIVEN | {"MILLPOND_ROOT_SECRET_ACCESS_KEY": "short"},
        GIVEN | {"MILLPOND_ROOT_ACCESS_KEY_ID": "a/b"},
    ],
)
def test_half_or_unusable_keys_are_refused_without_the_secret(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(BadRootCredentials) as refusal:
        load_root(tmp_path, environment)
    assert "long-enough" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"[default]\n", b"\xff\xfe", b"secret"])
def test_a_damaged_file_is_refused_without_its_content(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "root-credentials").write_bytes(content)
    with pytest.raises(BadRootCredentials) as refusal:
        load_root(tmp_path, {})
    assert str(tmp_path) in str(refusal.value)


def test_no_representation_shows_a_secret(stored: StoredCredentials) -> None:
    assert "root-secret-of-the-test" not in repr(ROOT) + repr(stored.root) + repr(vars(stored))


async def test_the_root_is_the_account_itself(stored: StoredCredentials) -> None:
    root = await stored.find(ROOT.access_key_id)
    assert root is not None
    assert root.principal.arn == "arn:aws:iam::000000000000:root"
    assert root.principal.user_id == "000000000000"
    assert root.session_token is None


async def test_issued_credentials_are_found_after_a_restart(
    stored: StoredCredentials, records: Records, clock: ManualClock
) -> None:
    issued = await stored.issue(
        role="EMR_EC2_DefaultRole",
        session_name="j-1",
        actions=("s3:*", "glue:Get*"),
        lifetime_seconds=3600,
    )
    again = StoredCredentials(ROOT, "000000000000", records, clock, SeededIds(1))
    assert await again.find(issued.access_key_id) == issued
    assert issued.access_key_id.startswith("ASIA")
    assert issued.session_token
    assert issued.expires_ms == clock.now_ms() + 3_600_000
    principal = issued.principal
    assert principal.arn == "arn:aws:sts::000000000000:assumed-role/EMR_EC2_DefaultRole/j-1"
    role_id, _, session = principal.user_id.partition(":")
    assert (role_id[:4], len(role_id), session) == ("AROA", 21, "j-1")
    assert principal.actions == ("s3:*", "glue:Get*")


async def test_assigned_credentials_are_another_role_s_with_the_keys_they_had(
    stored: StoredCredentials, clock: ManualClock
) -> None:
    issued = await stored.issue(role="r", session_name="s", actions=(), lifetime_seconds=60)
    clock.advance(30)
    again = await stored.assign(
        issued.access_key_id, role="jobs", session_name="1", actions=("s3:*",), lifetime_seconds=60
    )
    assert await stored.find(issued.access_key_id) == again
    assert again.principal.arn == "arn:aws:sts::000000000000:assumed-role/jobs/1"
    assert again.principal.actions == ("s3:*",)
    assert again.secret_access_key == issued.secret_access_key
    assert again.session_token == issued.session_token
    assert again.expires_ms == clock.now_ms() + 60_000
    await stored.revoke(issued.access_key_id)
    with pytest.raises(LookupError):
        await stored.assign(
            issued.access_key_id, role="jobs", session_name="2", actions=(), lifetime_seconds=60
        )


async def test_revoked_credentials_are_unknown(stored: StoredCredentials) -> None:
    issued = await stored.issue(role="r", session_name="s", actions=("*",), lifetime_seconds=60)
    await stored.revoke(issued.access_key_id)
    await stored.revoke(issued.access_key_id)
    assert await stored.find(issued.access_key_id) is None


@pytest.mark.parametrize("access_key_id", ["", "AKIAUNKNOWN", "ASIA", "ASIA\0", "ASIA" + "é" * 16])
async def test_an_unknown_id_is_no_credential(
    access_key_id: str, stored: StoredCredentials
) -> None:
    assert await stored.find(access_key_id) is None


async def test_the_long_expired_are_forgotten(
    stored: StoredCredentials, clock: ManualClock
) -> None:
    short = await stored.issue(role="r", session_name="a", actions=("*",), lifetime_seconds=60)
    long = await stored.issue(role="r", session_name="b", actions=("*",), lifetime_seconds=7200)
    clock.advance(60 + REMEMBERED_MS // 1000 - 1)
    assert await stored.remove_expired() == 0
    assert await stored.find(short.access_key_id) == short
    clock.advance(1)
    assert await stored.remove_expired() == 1
    assert await stored.find(short.access_key_id) is None
    assert await stored.find(long.access_key_id) == long
