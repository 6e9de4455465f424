"""The world of the fraud job: cards, the cities that they are used in, what is bought, and what
thieves do with a stolen card.

The figures are invented, but behave like real ones: a card is used near its home for amounts that
its owner is used to, some cards much more than others, a few purchases are large, some are made
online, and a few owners really travel. So no single figure tells a fraud.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CITIES: tuple[tuple[str, float, float], ...] = (
    ("Amsterdam", 52.37, 4.90), ("Athens", 37.98, 23.73), ("Bangkok", 13.75, 100.50),
    ("Berlin", 52.52, 13.40), ("Bogota", 4.71, -74.07), ("Buenos Aires", -34.60, -58.38),
    ("Cairo", 30.04, 31.24), ("Cape Town", -33.92, 18.42), ("Chicago", 41.88, -87.63),
    ("Delhi", 28.61, 77.21), ("Dubai", 25.20, 55.27), ("Dublin", 53.35, -6.26),
    ("Helsinki", 60.17, 24.94), ("Istanbul", 41.01, 28.98), ("Jakarta", -6.21, 106.85),
    ("Lagos", 6.52, 3.38), ("Lima", -12.05, -77.04), ("Lisbon", 38.72, -9.14),
    ("London", 51.51, -0.13), ("Los Angeles", 34.05, -118.24), ("Madrid", 40.42, -3.70),
    ("Mexico City", 19.43, -99.13), ("Montreal", 45.50, -73.57), ("Mumbai", 19.08, 72.88),
    ("Nairobi", -1.29, 36.82), ("New York", 40.71, -74.01), ("Oslo", 59.91, 10.75),
    ("Paris", 48.86, 2.35), ("Prague", 50.08, 14.44), ("Rome", 41.90, 12.50),
    ("San Francisco", 37.77, -122.42), ("Sao Paulo", -23.55, -46.63), ("Seoul", 37.57, 126.98),
    ("Singapore", 1.35, 103.82), ("Stockholm", 59.33, 18.07), ("Sydney", -33.87, 151.21),
    ("Tokyo", 35.68, 139.69), ("Toronto", 43.65, -79.38), ("Vienna", 48.21, 16.37),
    ("Warsaw", 52.23, 21.01),
)  # fmt: skip
CATEGORIES = ("grocery", "restaurant", "fuel", "fashion", "online", "electronics", "travel", "cash")
SHARES = (0.34, 0.20, 0.10, 0.10, 0.14, 0.05, 0.03, 0.04)
FACTORS = (0.9, 0.7, 1.3, 1.6, 0.9, 4.0, 6.0, 2.0)
"""What a purchase of each category costs, as a multiple of what the card's owner usually spends."""
ONLINE = CATEGORIES.index("online")
MERCHANTS = 20_000
PATTERNS = ("card testing", "impossible travel", "amount spike")


@dataclass(frozen=True)
class Cards:
    """All cards, one in each place of the arrays. `weight` are shares of all transactions."""

    usual_amount: NDArray[np.float64]
    city: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.city)


def make_cards(count: int, seed: int) -> Cards:
    """The same cards for the same seed."""
    random = np.random.default_rng([seed, 1])
    city = random.integers(0, len(CITIES), count)
    places = np.array([(latitude, longitude) for _, latitude, longitude in CITIES])
    weight = random.gamma(1.5, 1.0, count) + 0.05
    return Cards(
        usual_amount=np.round(random.lognormal(3.1, 0.45, count), 2),
        city=city,
        latitude=places[city, 0] + random.normal(0, 0.08, count),
        longitude=places[city, 1] + random.normal(0, 0.08, count),
        weight=weight / weight.sum(),
    )


def card_id(number: int) -> str:
    """A card's id: no real card has such a number."""
    return f"card-{number:06d}"
