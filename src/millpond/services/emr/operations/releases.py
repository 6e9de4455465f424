"""Release labels: what there truly is."""

from millpond.kernel.call import Call
from millpond.services.emr import shapes
from millpond.services.emr.model.releases import applications, labels, require_release
from millpond.services.emr.needs import Needs


async def list_release_labels(
    needs: Needs, call: Call, request: shapes.ListReleaseLabelsInput
) -> shapes.ListReleaseLabelsOutput:
    """The labels that can be started, by prefix and application (`spark` or `spark@4.2.0`).

    Source: EMR API reference, ListReleaseLabels.
    """
    found = labels(needs.sparks)
    filters = request.filters or shapes.ReleaseLabelFilter()
    if filters.prefix:
        found = [label for label in found if label.startswith(filters.prefix)]
    if filters.application:
        found = [label for label in found if _has(needs, label, filters.application)]
    return shapes.ListReleaseLabelsOutput(release_labels=found)


def _has(needs: Needs, label: str, application: str) -> bool:
    name, _, version = application.lower().partition("@")
    installed = require_release(label, needs.sparks)
    known = {(one.name or "").lower(): one.version or "" for one in applications(installed)}
    return name in known and known[name].startswith(version)


async def describe_release_label(
    needs: Needs, call: Call, request: shapes.DescribeReleaseLabelInput
) -> shapes.DescribeReleaseLabelOutput:
    """The applications of a release, with the versions that are installed.

    Raises:
        Validation: the release is not installed; without a label, none is.

    Source: EMR API reference, DescribeReleaseLabel.
    """
    label = request.release_label or next(iter(labels(needs.sparks)), None)
    installed = require_release(label, needs.sparks)
    return shapes.DescribeReleaseLabelOutput(
        release_label=label, applications=applications(installed)
    )
