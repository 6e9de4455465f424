"""Tags of a cluster, and the one that is an order."""

from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.model.interruptions import interrupt, split_orders
from millpond.services.emr.model.launch import merge_tags
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.scope import require_flow


async def add_tags(needs: Needs, call: Call, request: shapes.AddTagsInput) -> shapes.AddTagsOutput:
    """Add tags to a cluster, over those of the same key; or interrupt a Spot instance of it.

    Raises:
        InvalidRequest: there is no such cluster, or no such Spot instance.
        Validation: a tag is malformed, or there are too many.

    Source: EMR API reference, AddTags.
    """
    async with needs.records.transaction() as transaction:
        flow = await require_flow(transaction, call, request.resource_id)
        given, orders = split_orders(request.tags)
        tags = merge_tags(flow.cluster.tags, given)
        flow.configure(needs.clock.now_ms(), tags=tags)
        for order in orders:
            flow.change(interrupt(flow.cluster, order, needs.clock.now_ms()))
        store.save_flow(transaction, call, flow, wake=bool(orders))
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
