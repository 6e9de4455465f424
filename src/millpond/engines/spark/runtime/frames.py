"""Frames keep what names meant when they were made, as elsewhere in Spark.

The engine looks up the views, tables and functions that a query names each time its rows are asked
for: a view registered again under its name, or another database in use, would change the frames
that there are. So a frame of `spark.sql` or `spark.table` is registered, at once, as a view of its
own under a name that nobody else uses: the engine resolves a view's plan as it makes it, and tells
then what is wrong with a query. It is dropped once no frame is left that was made from it.

The names of temporary views are the same in whatever case they are written: the engine's are kept
in lower case, and a query that spells one in another way brings that spelling along as a reference
of its plan.
"""

import itertools
import weakref
from collections import deque
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from millpond.engines.spark.runtime.statements import (
    asks_for_rows,
    dropped_view,
    lists_tables,
    made_view,
    words_of,
)

_OWN = "__frame_"
_ABSENT = "Temporary View not found"
_REPEATED = "duplicate"


class Names:
    """The names that a session has given to frames."""

    _of: "weakref.WeakKeyDictionary[Any, Names]" = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self.views: set[str] = set()
        """Temporary views, in lower case."""
        self.unused: deque[str] = deque()
        """Views of frames that are no more."""
        self._numbers = itertools.count()

    @classmethod
    def of(cls, client: Any) -> "Names":
        """The names of the session of this client."""
        return cls._of.setdefault(client, cls())

    def new(self) -> str:
        """A name for the view of one frame."""
        return f"{_OWN}{next(self._numbers)}"

    def spellings(self, query: str) -> dict[str, str]:
        """The views that a query spells in another case than the engine: spelling to name."""
        if not self.views:
            return {}
        lower = ((word, word.lower()) for word in words_of(query))
        return {word: name for word, name in lower if word != name and name in self.views}


def keep(frame: Any, alias: str = "") -> Any:
    """The frame, bound to what its names mean now; `alias` is what may stand before its columns.

    Raises:
        AnalysisException: there is something that it names wrongly.
    """
    from pyspark.errors import AnalysisException  # noqa: PLC0415 - once PySpark is there
    from pyspark.sql.connect.dataframe import DataFrame  # noqa: PLC0415
    from pyspark.sql.connect.plan import Read, SubqueryAlias, ToDF  # noqa: PLC0415

    session, plan = frame.sparkSession, frame._plan
    names = Names.of(session.client)
    name = names.new()
    kept: Any = Read(name)
    weakref.finalize(kept, names.unused.append, name).atexit = False
    try:
        _register(session, plan, name)
    except AnalysisException as error:
        if _REPEATED not in str(error):
            raise
        columns = frame.columns
        _register(session, ToDF(plan, [f"c{number}" for number in range(len(columns))]), name)
        kept = ToDF(kept, columns)
    while names.unused:
        session.catalog.dropTempView(names.unused.popleft())
    return DataFrame(SubqueryAlias(kept, alias) if alias else kept, session)


def _register(session: Any, plan: Any, name: str) -> None:
    from pyspark.sql.connect.plan import CreateView  # noqa: PLC0415 - once PySpark is there

    view = CreateView(plan, name, is_global=False, replace=True)
    session.client.execute_command(view.command(session.client))


def after(statement: str, answer: Any) -> Any:
    """What `spark.sql` answers to this statement, given what the engine did."""
    names = Names.of(answer.sparkSession.client)
    if asks_for_rows(statement):
        return keep(answer)
    if view := made_view(statement):
        names.views.add(view)
    elif view := dropped_view(statement):
        names.views.discard(view)
    elif lists_tables(statement):
        column = "viewName" if "viewName" in answer.columns else "tableName"
        return answer.where(~answer[column].startswith(_OWN))
    return answer


def change_queries(module: ModuleType) -> None:
    """Have queries find temporary views in whatever case they spell them."""
    plan_of = module.SQL.plan

    def plan(self: Any, session: Any) -> Any:
        relation = plan_of(self, session)
        spellings = Names.of(session).spellings(self._query)
        if not spellings:
            return relation
        bound = type(relation)()
        bound.common.plan_id = module.LogicalPlan._fresh_plan_id()
        bound.with_relations.root.CopyFrom(relation)
        bound.with_relations.references.extend(
            module.SubqueryAlias(module.Read(name), spelling).plan(session)
            for spelling, name in spellings.items()
        )
        return bound

    module.SQL.plan = plan


def change_tables(reader: Any) -> None:
    """Have `spark.table` bind its name at once."""
    read = reader.table

    def table(self: Any, tableName: str) -> Any:
        names = ["", *words_of(tableName)]
        return keep(read(self, _written(tableName)), alias=names[-1])

    reader.table = table


def change_views(frame: Any) -> None:
    """Have frames register temporary views in lower case."""
    for verb in ("createTempView", "createOrReplaceTempView"):
        setattr(frame, verb, _registering(getattr(frame, verb)))


def _registering(create: Any) -> Any:
    def registered(self: Any, name: str) -> None:
        create(self, name.lower())
        Names.of(self.sparkSession.client).views.add(name.lower())

    return registered


def change_catalog(catalog: Any) -> None:
    """Have the catalog show a program's own views, in whatever case it names them."""
    tables, drop = catalog.listTables, catalog.dropTempView
    exists, columns = catalog.tableExists, catalog.listColumns

    def listTables(self: Any, *given: Any, **named: Any) -> Any:
        return [one for one in tables(self, *given, **named) if not one.name.startswith(_OWN)]

    def dropTempView(self: Any, viewName: str) -> bool:
        from pyspark.errors import AnalysisException  # noqa: PLC0415 - once PySpark is there

        Names.of(self._sparkSession.client).views.discard(viewName.lower())
        try:
            return bool(drop(self, viewName.lower()))
        except AnalysisException as error:
            if _ABSENT not in str(error):
                raise
            return False

    def tableExists(self: Any, tableName: str, *more: Any, **named: Any) -> Any:
        return exists(self, _written(tableName), *more, **named)

    def listColumns(self: Any, tableName: str, *more: Any, **named: Any) -> Any:
        return columns(self, _written(tableName), *more, **named)

    changes: Iterable[Any] = (listTables, dropTempView, tableExists, listColumns)
    for change in changes:
        setattr(catalog, change.__name__, change)


def _written(table: str) -> str:
    """A table's name as the engine has it: temporary views, and tables of the database in use,
    in lower case."""
    return table.lower() if isinstance(table, str) and "." not in table else table
