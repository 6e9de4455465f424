"""Release labels: what is truly installed."""

from millpond.engines.spark.interface import SAIL
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
    installed = needs.sparks[SAIL].installed()
    found = labels(installed)
    filters = request.filters or shapes.ReleaseLabelFilter()
    if filters.prefix:
        found = [label for label in found if label.startswith(filters.prefix)]
    if filters.application and installed is not None:
        name, _, version = filters.application.lower().partition("@")
        known = {(one.name or "").lower(): one.version or "" for one in applications(installed)}
        if name not in known or not known[name].startswith(version):
            found = []
    return shapes.ListReleaseLabelsOutput(release_labels=found)


async def describe_release_label(
    needs: Needs, call: Call, request: shapes.DescribeReleaseLabelInput
) -> shapes.DescribeReleaseLabelOutput:
    """The applications of a release, with the versions that are installed.

    Raises:
        Validation: the release is not installed; without a label, none is.

    Source: EMR API reference, DescribeReleaseLabel.
    """
    installed = needs.sparks[SAIL].installed()
    label = request.release_label or next(iter(labels(installed)), None)
    return shapes.DescribeReleaseLabelOutput(
        release_label=label, applications=applications(require_release(label, installed))
    )
