"""What an expression says of the first keys: partitions are stored in their order.

Only text keys are used: `month = 1` also means the stored value `01`.
"""

import itertools
from collections.abc import Sequence

from millpond.services.glue.expression.grammar import All, Compare, In, Tree
from millpond.services.glue.expression.values import BadLiteral, key_type

CHOICES_MAX = 1000


def leading_values(tree: Tree, keys: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The values that the first keys of a matching partition can have, in order; each tuple is one
    choice, all of the same length. `[()]` when the expression does not say."""
    fixed: dict[str, frozenset[str]] = {}
    for part in tree.parts if isinstance(tree, All) else (tree,):
        if isinstance(part, Compare) and part.operator == "=":
            choices = frozenset({part.literal})
        elif isinstance(part, In):
            choices = frozenset(part.literals)
        else:
            continue
        fixed[part.key] = fixed[part.key] & choices if part.key in fixed else choices
    leading: list[list[str]] = []
    count = 1
    for name, declared in keys:
        found = fixed.get(name.lower())
        if found is None or not _is_plain_text(declared):
            break
        count *= len(found)
        if count > CHOICES_MAX:
            break
        leading.append(sorted(found))
    return list(itertools.product(*leading))


def _is_plain_text(declared: str) -> bool:
    try:
        return key_type(declared).family == "string"
    except BadLiteral:
        return False
