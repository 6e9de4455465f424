"""The retailer: what it sells, where, to whom, and how that changes over the year and the years.

The figures are invented, but behave like real ones: gardens are planted in spring, toys are bought
before Christmas, some lines grow and others fade, regions differ in taste and in size, a few
stores and customers are busy and most are not, and prices rise a little every year.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REGIONS = ("North", "South", "East", "West", "Central")
SEASONS = ("winter", "spring", "summer", "autumn")
STORES_PER_REGION = 40
CUSTOMERS = 600_000
PRICE_RISE_PER_YEAR = 0.025


def season_of(month: int) -> str:
    """Meteorological seasons: winter is December to February."""
    return SEASONS[month % 12 // 3]


@dataclass(frozen=True)
class Category:
    """A line of goods. `share` is of orders, `price` the median, `spread` of the logarithm of
    prices; `by_month` and `by_region` (in the order of REGIONS) multiply demand. `climate` is how
    far its months move with a region's spring, from 0 to 1."""

    name: str
    share: float
    price: float
    spread: float
    quantity: float
    growth_per_year: float
    by_month: tuple[float, ...]
    by_region: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)
    climate: float = 0.0


CATEGORIES = (
    Category(
        "Books", 0.12, 14.0, 0.45, 1.5, -0.04,
        (0.95, 0.9, 0.85, 0.85, 0.85, 0.95, 1.1, 1.05, 1.0, 0.95, 1.2, 1.9),
        (1.2, 0.9, 1.0, 1.0, 0.9),
    ),
    Category(
        "Electronics", 0.11, 139.0, 0.75, 1.15, 0.09,
        (0.85, 0.75, 0.8, 0.8, 0.85, 0.9, 0.95, 0.95, 1.0, 1.0, 1.8, 1.75),
        (0.9, 0.9, 1.0, 1.4, 0.9),
    ),
    Category(
        "Fashion", 0.19, 42.0, 0.55, 1.6, 0.05,
        (0.8, 0.8, 1.15, 1.2, 1.05, 0.95, 0.8, 0.85, 1.25, 1.15, 1.05, 1.2),
        (0.9, 1.2, 1.1, 1.0, 0.9),
        climate=0.5,
    ),
    Category(
        "Garden", 0.09, 29.0, 0.6, 2.1, 0.04,
        (0.25, 0.35, 1.1, 2.2, 2.5, 1.8, 1.1, 0.8, 0.75, 0.5, 0.25, 0.2),
        (0.8, 1.5, 0.9, 0.9, 1.0),
        climate=1.0,
    ),
    Category(
        "Grocery", 0.22, 8.5, 0.5, 3.6, 0.03,
        (0.98, 0.95, 0.98, 1.0, 1.0, 1.0, 1.0, 0.98, 0.98, 1.0, 1.02, 1.2),
    ),
    Category(
        "Home", 0.12, 58.0, 0.7, 1.4, 0.06,
        (1.2, 1.0, 1.05, 1.0, 0.95, 0.85, 0.8, 0.9, 1.15, 1.1, 1.1, 1.05),
        (1.0, 1.0, 1.0, 0.9, 1.2),
    ),
    Category(
        "Sports", 0.09, 47.0, 0.6, 1.3, 0.07,
        (1.4, 1.0, 1.05, 1.1, 1.25, 1.35, 1.3, 1.0, 0.85, 0.75, 0.75, 0.95),
        (1.4, 0.9, 0.9, 1.1, 0.9),
        climate=1.0,
    ),
    Category(
        "Toys", 0.06, 26.0, 0.55, 1.8, 0.02,
        (0.6, 0.6, 0.7, 0.75, 0.75, 0.8, 0.85, 0.8, 0.8, 1.0, 2.0, 3.6),
        (1.0, 1.0, 1.1, 0.9, 1.1),
    ),
)  # fmt: skip

_REGION_SHARES = np.array([0.16, 0.27, 0.24, 0.21, 0.12])
_REGION_GROWTH = np.array([0.01, 0.05, 0.02, 0.09, 0.03])
_SPRING_LATER_MONTHS = (1.0, -1.2, 0.2, -0.5, 0.5)
"""How much later than the average region each has its spring."""
_WEEKDAYS = (0.92, 0.88, 0.9, 0.96, 1.12, 1.28, 0.94)
"""Monday to Sunday."""
_PRICE_ENDINGS = np.array([99, 95, 49, 0])
_PRICE_ENDING_SHARES = np.array([0.6, 0.15, 0.15, 0.1])


def demand(years: float, month: int, weekday: int) -> NDArray[np.float64]:
    """Expected orders per category and region on a day, relative to each other.

    `years` since the first day, `month` from 1, `weekday` from 0 for Monday.
    """
    shares = np.array(
        [
            [
                category.share
                * _in_month(category, month - category.climate * later)
                * (1 + category.growth_per_year) ** years
                * taste
                for taste, later in zip(category.by_region, _SPRING_LATER_MONTHS, strict=True)
            ]
            for category in CATEGORIES
        ]
    )
    regions = _REGION_SHARES * (1 + _REGION_GROWTH) ** years
    return shares * regions * _WEEKDAYS[weekday]


def _in_month(category: Category, month: float) -> float:
    """Demand between months: 1.5 is halfway from January to February."""
    return float(np.interp(month, range(1, 13), category.by_month, period=12))


def prices(
    rng: np.random.Generator, category: NDArray[np.int64], years: float
) -> NDArray[np.int64]:
    """Prices in cents, with the endings that price tags have."""
    median = np.array([item.price for item in CATEGORIES])[category]
    spread = np.array([item.spread for item in CATEGORIES])[category]
    rise = (1 + PRICE_RISE_PER_YEAR) ** years
    units = np.floor(median * rise * np.exp(spread * rng.standard_normal(len(category))))
    endings = rng.choice(_PRICE_ENDINGS, len(category), p=_PRICE_ENDING_SHARES)
    return np.maximum(units, 1).astype(np.int64) * 100 + endings


def quantities(rng: np.random.Generator, category: NDArray[np.int64]) -> NDArray[np.int64]:
    """At least one."""
    mean = np.array([item.quantity for item in CATEGORIES])[category]
    return 1 + rng.poisson(mean - 1)


def stores(rng: np.random.Generator, region: NDArray[np.int64]) -> NDArray[np.int64]:
    """Store numbers from 0, those of a region together; the first of each are the busiest."""
    rank = np.minimum(rng.geometric(0.045, len(region)) - 1, STORES_PER_REGION * 4)
    return region * STORES_PER_REGION + rank % STORES_PER_REGION


def customers(rng: np.random.Generator, region: NDArray[np.int64]) -> NDArray[np.int64]:
    """Customer numbers from 0; each is of one region, and few order often."""
    rank = (rng.random(len(region)) ** 2.4 * (CUSTOMERS // len(REGIONS))).astype(np.int64)
    return rank * len(REGIONS) + region
