"""The two sides of a join: their columns, and what each condition between them says."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from millpond.engines.streams.plan import Project
from millpond.engines.streams.sql.casts import cast_to_fit
from millpond.engines.streams.sql.dialect import position_of
from millpond.engines.streams.sql.planning.calls import column_parts, conjunction
from millpond.engines.streams.sql.planning.intervals import interval_ms
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.projection import (
    Output,
    hidden_columns,
    keep_rows,
    project,
)
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.planning.scope import find
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import common_type, same
from millpond.engines.streams.types import quoted

_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.LTE: exp.GTE,
    exp.LT: exp.GT,
    exp.GTE: exp.LTE,
    exp.GT: exp.LT,
}


@dataclass
class Bounds:
    """`left time >= right time + lower` and `<= … + upper`, in milliseconds."""

    left: Field | None = None
    right: Field | None = None
    lower_ms: int | None = None
    upper_ms: int | None = None
    trees: list[exp.Expr] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return self.lower_ms is not None and self.upper_ms is not None


@dataclass
class Sides:
    """Left and right of a join; conditions are sorted into what they say."""

    planner: Planner
    left: Relation
    right: Relation
    keys: list[tuple[Field, Field]] = field(default_factory=list)
    bounds: Bounds = field(default_factory=Bounds)
    rest: list[exp.Expr] = field(default_factory=list)

    @property
    def both(self) -> Relation:
        """All fields, to resolve names against."""
        return replace(self.left, fields=self.left.fields + self.right.fields)

    def side_of(self, tree: exp.Expr) -> str:
        """`left`, `right`, `both`, or `none` of the sides that an expression reads."""
        used = self.planner.fields_in([tree], self.both)
        left = any(each in self.left.fields for each in used)
        right = any(each in self.right.fields for each in used)
        if left and right:
            return "both"
        return "left" if left else "right" if right else "none"

    def resolves(self, tree: exp.Expr) -> bool:
        """Whether all that an expression names is there."""
        for node in tree.walk():
            if isinstance(node, exp.Query | exp.Window):
                return False
            if isinstance(node, exp.Column):
                parts = column_parts(node)
                if parts and find(self.both.fields, parts, position_of(node)) is None:
                    return False
        return True

    def push_down(self, trees: Sequence[exp.Expr], *, left: bool, right: bool) -> list[exp.Expr]:
        """Filter each side by the conditions on it alone, where that is allowed; the others."""
        others: list[exp.Expr] = []
        for side, allowed in (("left", left), ("right", right)):
            own = [tree for tree in trees if allowed and self.side_of(tree) == side]
            whole = conjunction(own)
            if whole is not None:
                relation = self.left if side == "left" else self.right
                condition = self.planner.translate(whole, relation)
                if condition.type.name != "BOOLEAN":
                    refuse("A join condition must be a BOOLEAN", whole)
                kept = keep_rows(relation, condition, where_of(whole))
                if side == "left":
                    self.left = kept
                else:
                    self.right = kept
            others += own
        taken = {id(tree) for tree in others}
        return [tree for tree in trees if id(tree) not in taken]

    def sort(self, trees: Sequence[exp.Expr]) -> None:
        """Find keys and time bounds among conditions."""
        for tree in trees:
            if self._key(tree) or self._bound(tree):
                continue
            self.rest.append(tree)
        if not self.bounds.complete:
            self.rest += self.bounds.trees
            self.bounds = Bounds()

    def set_apart(self, where: str) -> None:
        """No column of the right is named like one of the left."""
        self.right = reduced(self.right, None, self.left.node.names, where)
        self.keys = [self.again(*pair) for pair in self.keys]

    def again(self, left: Field, right: Field) -> tuple[Field, Field]:
        """Two fields as they are after their side's columns were renamed."""
        return _same_named(self.left, left), _same_named(self.right, right)

    def _key(self, tree: exp.Expr) -> bool:
        if not isinstance(tree, exp.EQ):
            return False
        one, other = tree.this, tree.expression
        sides = (self.side_of(one), self.side_of(other))
        if sides == ("right", "left"):
            one, other = other, one
        elif sides != ("left", "right"):
            return False
        left, right = self._field("left", one), self._field("right", other)
        if left and right and left.time and right.time and not (left.window and right.window):
            return False
        kinds = [
            self.planner.translate(one, self.left).type,
            self.planner.translate(other, self.right).type,
        ]
        kind = common_type(kinds)
        if kind is None:
            refuse(
                f"Incompatible types: cannot compare {kinds[0].flink()} with {kinds[1].flink()}",
                tree,
            )
        if left is None or not same(left.type, kind):
            typed = cast_to_fit(self.planner.translate(one, self.left), kind)
            self.left, left = with_computed(self.left, typed, where_of(tree))
        if right is None or not same(right.type, kind):
            typed = cast_to_fit(self.planner.translate(other, self.right), kind)
            self.right, right = with_computed(self.right, typed, where_of(tree))
        self.keys.append((left, right))
        return True

    def _field(self, side: str, tree: exp.Expr) -> Field | None:
        return self.planner.field_of(tree, self.left if side == "left" else self.right)

    def _bound(self, tree: exp.Expr) -> bool:
        if isinstance(tree, exp.Between) and not tree.args.get("symmetric"):
            value = tree.this
            parts: list[tuple[type[exp.Expr], exp.Expr]] = [
                (exp.GTE, tree.args["low"]),
                (exp.LTE, tree.args["high"]),
            ]
            found = [self._compared(kind, value, other) for kind, other in parts]
            if None in found:
                return False
            for each in found:
                if each:
                    self._take(*each)
            self.bounds.trees.append(tree)
            return True
        if type(tree) not in _MIRRORED:
            return False
        compared = self._compared(type(tree), tree.this, tree.expression)
        if compared is None:
            return False
        self._take(*compared)
        self.bounds.trees.append(tree)
        return True

    def _compared(
        self, kind: type[exp.Expr], one: exp.Expr, other: exp.Expr
    ) -> tuple[type[exp.Expr], int] | None:
        """`left time <kind> right time + milliseconds`."""
        first, second = self._moment(one), self._moment(other)
        if first is None or second is None:
            return None
        (one_side, one_field, one_ms), (other_side, other_field, other_ms) = first, second
        if one_side == other_side:
            return None
        if one_side == "right":
            kind = _MIRRORED[kind]
            one_field, other_field = other_field, one_field
            one_ms, other_ms = other_ms, one_ms
        if self.bounds.left and (self.bounds.left, self.bounds.right) != (one_field, other_field):
            return None
        self.bounds.left, self.bounds.right = one_field, other_field
        return kind, other_ms - one_ms

    def _take(self, kind: type[exp.Expr], distance_ms: int) -> None:
        bounds = self.bounds
        if kind in (exp.GTE, exp.GT, exp.EQ):
            lower = distance_ms + (kind is exp.GT)
            bounds.lower_ms = lower if bounds.lower_ms is None else max(bounds.lower_ms, lower)
        if kind in (exp.LTE, exp.LT, exp.EQ):
            upper = distance_ms - (kind is exp.LT)
            bounds.upper_ms = upper if bounds.upper_ms is None else min(bounds.upper_ms, upper)

    def _moment(self, tree: exp.Expr) -> tuple[str, Field, int] | None:
        """A time attribute, perhaps plus or minus an INTERVAL: its side, itself, milliseconds."""
        if isinstance(tree, exp.Paren):
            return self._moment(tree.this)
        if isinstance(tree, exp.Add | exp.Sub):
            value, length = tree.this, tree.expression
            if isinstance(tree, exp.Add) and isinstance(value, exp.Interval):
                value, length = length, value
            inner = self._moment(value)
            if inner is None or not isinstance(length, exp.Interval):
                return None
            distance = interval_ms(length)
            side, time, base = inner
            return side, time, base + (distance if isinstance(tree, exp.Add) else -distance)
        for side in ("left", "right"):
            parts = column_parts(tree)
            found = self._field(side, tree) if parts else None
            if found and found.time and self.side_of(tree) == side:
                return side, found, 0
        return None


def _same_named(relation: Relation, wanted: Field) -> Field:
    names = (wanted.table, wanted.name)
    return next(each for each in relation.fields if (each.table, each.name) == names)


def with_computed(relation: Relation, typed: Typed, where: str) -> tuple[Relation, Field]:
    """The relation with a hidden column more, and that."""
    outputs = [Output(each.name, each) for each in relation.fields]
    made = project(relation, [*outputs, Output("$key", typed)], where)
    fields = tuple(
        replace(new, table=old.table)
        for new, old in zip(made.fields, relation.fields, strict=False)
    )
    hidden = replace(made.fields[-1], name=f"$key {made.fields[-1].column}", table="$hidden")
    return replace(made, fields=(*fields, hidden)), hidden


def reduced(
    relation: Relation, needed: set[str] | None, taken: Sequence[str], where: str
) -> Relation:
    """The relation with the fields of these names alone (None: all), and no node column named like
    one that is taken."""
    node = relation.node
    fields = tuple(
        each
        for each in relation.fields
        if needed is None or each.name in needed or each.table == "$hidden"
    )
    kept = [each.column for each in fields] + hidden_columns(relation)
    names = [name for name in node.names if name in kept]
    if relation.changes or (len(names) == len(node.names) and not set(names) & set(taken)):
        return replace(relation, fields=fields)
    used = {*taken, *names}
    new: dict[str, str] = {}
    for name in names:
        new[name] = free_name(name, used) if name in taken else name
        used.add(new[name])
    columns = tuple(replace(relation.column(old), name=name) for old, name in new.items())
    made = Project(
        columns,
        node,
        tuple(quoted(old) for old in new),
        rowtime=new.get(node.rowtime) if node.rowtime else None,
        where=where,
    )
    fields = tuple(replace(each, column=new[each.column]) for each in fields)
    return replace(relation, node=made, fields=fields)
