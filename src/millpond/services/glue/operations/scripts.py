"""Scripts of graphs and graphs of scripts; nothing of them is stored."""

from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import require_table
from millpond.services.glue.visual.annotated import annotated_script
from millpond.services.glue.visual.dataflow import dataflow
from millpond.services.glue.visual.mapping import mapping_of
from millpond.services.glue.visual.plan import plan

PLAN_OPTIONS = {"inferSchema": ("true", "false")}
"""The options of GetPlan and their values. Of tables of files, as all are here, `inferSchema`
changes nothing: their schema is the catalog's."""


def _check_language(language: str | None) -> None:
    if language == "SCALA":
        raise InvalidInput("Language SCALA is not implemented; there is PYTHON.")


async def create_script(
    needs: Needs, call: Call, request: shapes.CreateScriptRequest
) -> shapes.CreateScriptResponse:
    """The Python script of a graph.

    Source: Glue API reference, CreateScript.
    """
    _check_language(request.language)
    script = annotated_script(request.dag_nodes or (), request.dag_edges or ())
    return shapes.CreateScriptResponse(python_script=script)


async def get_dataflow_graph(
    needs: Needs, call: Call, request: shapes.GetDataflowGraphRequest
) -> shapes.GetDataflowGraphResponse:
    """The graph of a Python script.

    Source: Glue API reference, GetDataflowGraph.
    """
    nodes, edges = dataflow(request.python_script or "")
    return shapes.GetDataflowGraphResponse(dag_nodes=nodes, dag_edges=edges)


async def get_mapping(
    needs: Needs, call: Call, request: shapes.GetMappingRequest
) -> shapes.GetMappingResponse:
    """The mapping of a table's fields to those of other tables.

    Raises:
        EntityNotFound: one of the tables is not there.

    Source: Glue API reference, GetMapping.
    """
    async with needs.records.transaction() as transaction:
        entries = [request.source, *(request.sinks or ())]
        tables = [
            (await require_table(transaction, call, each.database_name, each.table_name))[1]
            for each in entries
        ]
    return shapes.GetMappingResponse(mapping=mapping_of(tables[0], tables[1:]))


async def get_plan(
    needs: Needs, call: Call, request: shapes.GetPlanRequest
) -> shapes.GetPlanResponse:
    """The Python script of a mapping.

    Source: Glue API reference, GetPlan.
    """
    _check_language(request.language)
    for name, given in (request.additional_plan_options_map or {}).items():
        if given not in PLAN_OPTIONS.get(name, ()):
            raise InvalidInput(f"AdditionalPlanOptionsMap: {name} = {given} is not known.")
    script = plan(request.mapping, request.source, request.sinks or (), request.location)
    return shapes.GetPlanResponse(python_script=script)
