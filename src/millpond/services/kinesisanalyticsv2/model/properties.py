"""Property groups of an application, and what of them the embedded engine follows.

* `flink.configuration`: each property is as if the SQL began with `SET 'key' = 'value';`.
* `kinesis.analytics.flink.run.options`: `sql` names the SQL file in a ZIP archive; `drain`, `true`,
  has StopApplication let open windows give what they have, as Flink's `stop --drain`. AWS's other
  options of that group start Python or Java programs, and are refused.
* Every group, these too, stands in `application_properties.json` beside the Python functions, in
  the form of AWS's `/etc/flink/application_properties.json`.

Nothing is replaced in the text of the SQL: Flink knows no such thing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from millpond.services.kinesisanalyticsv2.errors import InvalidArgument

SETTINGS_GROUP = "flink.configuration"
RUN_OPTIONS_GROUP = "kinesis.analytics.flink.run.options"
FILE_NAME = "application_properties.json"
_PROPERTIES_MAX = 50


def describe_properties(groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """EnvironmentPropertyDescriptions of PropertyGroups.

    Raises:
        InvalidArgument: a group stands twice, there are too many properties, or an option of the
            run asks for what the engine has not.
    """
    names = [group["PropertyGroupId"] for group in groups]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidArgument(f"The property group {twice[0]} stands more than once.")
    if sum(len(group["PropertyMap"]) for group in groups) > _PROPERTIES_MAX:
        raise InvalidArgument(f"There may be at most {_PROPERTIES_MAX} properties in all groups.")
    options = properties_of({"PropertyGroupDescriptions": groups}, RUN_OPTIONS_GROUP)
    for option, value in options.items():
        if option == "drain" and value not in ("true", "false"):
            raise InvalidArgument(f"{RUN_OPTIONS_GROUP}: drain is true or false, not {value}.")
        if option not in ("sql", "drain"):
            raise InvalidArgument(
                f"{RUN_OPTIONS_GROUP}: {option} needs the Flink engine; the embedded engine runs "
                "the SQL file that the option sql names."
            )
    return {"PropertyGroupDescriptions": [dict(group) for group in groups]}


def properties_of(described: Mapping[str, Any] | None, group_id: str) -> dict[str, str]:
    """The properties of a group; none where there is no such group."""
    for group in (described or {}).get("PropertyGroupDescriptions", ()):
        if group["PropertyGroupId"] == group_id:
            return dict(group["PropertyMap"])
    return {}


def drains(described: Mapping[str, Any] | None) -> bool:
    """Whether stopping drains windows."""
    return properties_of(described, RUN_OPTIONS_GROUP).get("drain") == "true"


def properties_file(described: Mapping[str, Any] | None) -> bytes:
    """What `application_properties.json` holds."""
    return json.dumps((described or {}).get("PropertyGroupDescriptions", []), indent=2).encode()
