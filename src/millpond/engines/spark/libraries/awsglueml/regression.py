"""Linear regression from sums of squares."""

from __future__ import annotations

PIVOT_SHARE_MIN = 1e-9
"""Of a column's own squares: what is left below this is a sum of the columns before it."""


def least_squares(squares: list[list[float]], products: list[float]) -> list[float]:
    """The weights of centred columns: `squares` are the sums of their products with each other,
    `products` those with the target. A column that others make up, or that is constant, has the
    weight 0."""
    size = len(products)
    rows = [[*squares[i], products[i]] for i in range(size)]
    used = []
    for i in range(size):
        if rows[i][i] <= PIVOT_SHARE_MIN * max(squares[i][i], 1e-300):
            continue
        used.append(i)
        scale = rows[i][i]
        rows[i] = [each / scale for each in rows[i]]
        for j in range(size):
            if j != i and rows[j][i]:
                factor = rows[j][i]
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [rows[i][size] if i in used else 0.0 for i in range(size)]
