"""Security configurations: what they may ask for. Pure.

What would have to encrypt, authenticate or authorise is refused by its name, as there is nothing
here that would do it. The version of the instance metadata service is recorded: there is no such
service, of whatever version.

Source: EMR Management Guide, "Create a security configuration".
"""

import json
from collections.abc import Mapping
from typing import Any

from millpond.services.emr.errors import InvalidRequest

_ENCRYPTION = "EncryptionConfiguration"
_METADATA = "InstanceMetadataServiceConfiguration"
_ENCRYPTIONS = ("EnableInTransitEncryption", "EnableAtRestEncryption")
_REFUSED = ("AuthenticationConfiguration", "AuthorizationConfiguration")
_HOPS_MAX = 64


def check_security(text: str) -> None:
    """Refuse a configuration that is malformed or would not take effect.

    Raises:
        InvalidRequest: why.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"The security configuration is not valid JSON: {error}") from error
    if not isinstance(given, dict) or not given:
        raise InvalidRequest("The security configuration must be a JSON object that is not empty.")
    for name, section in given.items():
        if name in _REFUSED:
            raise InvalidRequest(f"{name} is not supported by Millpond yet.")
        if name not in (_ENCRYPTION, _METADATA) or not isinstance(section, dict):
            raise InvalidRequest(f"The security configuration has no section {name} like this.")
    _check_encryption(given.get(_ENCRYPTION))
    _check_metadata(given.get(_METADATA))


def _check_encryption(section: Mapping[str, Any] | None) -> None:
    if section is None:
        return
    for name in _ENCRYPTIONS:
        if not isinstance(section.get(name), bool):
            raise InvalidRequest(f"{_ENCRYPTION}: {name} must be true or false.")
        if section[name]:
            raise InvalidRequest(f"{_ENCRYPTION}: {name} is not supported by Millpond yet.")
    if rest := sorted(set(section) - set(_ENCRYPTIONS)):
        raise InvalidRequest(f"{_ENCRYPTION}: {rest[0]} is for encryption, which is disabled.")


def _check_metadata(section: Mapping[str, Any] | None) -> None:
    if section is None:
        return
    version, hops = (
        section.get("MinimumInstanceMetadataServiceVersion"),
        section.get("HttpPutResponseHopLimit"),
    )
    if version not in (1, 2):
        raise InvalidRequest(f"{_METADATA}: MinimumInstanceMetadataServiceVersion must be 1 or 2.")
    if not isinstance(hops, int) or not 1 <= hops <= _HOPS_MAX:
        raise InvalidRequest(
            f"{_METADATA}: HttpPutResponseHopLimit must be between 1 and {_HOPS_MAX}."
        )
