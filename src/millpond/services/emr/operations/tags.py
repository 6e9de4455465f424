"""Tags of a cluster."""

from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.model.launch import merge_tags
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.scope import require_flow


async def add_tags(needs: Needs, call: Call, request: shapes.AddTagsInput) -> shapes.AddTagsOutput:
    """Add tags to a cluster, over those of the same key.

    Raises:
        InvalidRequest: there is no such cluster.
        Validation: a tag is malformed, or there are too many.

    Source: EMR API reference, AddTags.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_flow(transaction, call, request.resource_id)
        tags = merge_tags(flow.cluster.tags, request.tags)
        flow.configure(needs.clock.now_ms(), tags=tags)
        store.save_flow(transaction, call, flow, wake=False)
    return shapes.AddTagsOutput()


async def remove_tags(
    needs: Needs, call: Call, request: shapes.RemoveTagsInput
) -> shapes.RemoveTagsOutput:
    """Remove tags by their keys; a key that is not there is no error.

    Raises:
        InvalidRequest: there is no such cluster.

    Source: EMR API reference, RemoveTags.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_flow(transaction, call, request.resource_id)
        gone = frozenset(request.tag_keys)
        left = {key: value for key, value in flow.cluster.tags.items() if key not in gone}
        flow.configure(needs.clock.now_ms(), tags=left)
        store.save_flow(transaction, call, flow, wake=False)
    return shapes.RemoveTagsOutput()
