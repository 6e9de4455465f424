"""Tags of applications and job runs.

Source: EMR Serverless User Guide, "Tagging your resources".
"""

from collections.abc import Mapping

from millpond.services.emrserverless.errors import Validation

TAGS_MAX = 50


def check_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags, as they may be.

    Raises:
        Validation: there are too many, or a key is AWS's own.
    """
    if len(tags) > TAGS_MAX:
        raise Validation(f"A resource can have at most {TAGS_MAX} tags.")
    for key in tags:
        if key.lower().startswith("aws:"):
            raise Validation(f"The tag key {key} begins with aws:, which is AWS's own.")
    return dict(tags)
