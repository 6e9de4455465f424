"""What the model is given of a transaction: the same for the training job and for the stream.

Each function takes whole columns (pandas series or numpy arrays). This file goes to the cluster
beside `train.py` and into the application's code beside `scoring.py`.
"""

from typing import Any

import numpy as np

NAMES = (
    "amount",
    "amount_to_usual",
    "count_10m",
    "small_10m",
    "spend_10m_to_usual",
    "seconds_since_last",
    "km_per_hour",
    "km_from_home",
    "is_online",
    "is_easily_sold",
)
GIVEN = (
    "amount",
    "category",
    "latitude",
    "longitude",
    "count_10m",
    "small_10m",
    "spend_10m",
    "last_latitude",
    "last_longitude",
    "seconds_since_last",
    "usual_amount",
    "home_latitude",
    "home_longitude",
)
"""What `features` takes, by name; the scoring function takes it in this order."""
EASILY_SOLD = ("electronics", "travel", "cash")
FIRST_SECONDS = 86_400.0
"""What stands for the time since the last transaction of a card that had none."""


def features(**given: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A row of `NAMES` for each transaction, from the columns of `GIVEN`. A card's first one has no
    last place (NaN)."""
    categories = np.asarray(given.pop("category"), dtype=str)
    number = {name: np.asarray(column, dtype=np.float64) for name, column in given.items()}
    amount, usual = number["amount"], np.nan_to_num(number["usual_amount"], nan=25.0)
    here = number["latitude"], number["longitude"]
    seconds = np.nan_to_num(number["seconds_since_last"], nan=FIRST_SECONDS)
    moved = kilometres(*here, number["last_latitude"], number["last_longitude"])
    away = kilometres(*here, number["home_latitude"], number["home_longitude"])
    columns = (
        amount,
        amount / usual,
        number["count_10m"],
        number["small_10m"],
        number["spend_10m"] / usual,
        seconds,
        np.nan_to_num(moved) / np.maximum(seconds, 1.0) * 3_600,
        np.nan_to_num(away),
        categories == "online",
        np.isin(categories, EASILY_SOLD),
    )
    return np.column_stack([np.asarray(column, np.float32) for column in columns])


def kilometres(latitude: Any, longitude: Any, other_latitude: Any, other_longitude: Any) -> Any:
    """The great-circle distance (haversine) of places in degrees."""
    a, b = np.radians(latitude), np.radians(other_latitude)
    across = np.radians(other_longitude - longitude)
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(across / 2) ** 2
    return 12_742 * np.arcsin(np.sqrt(np.minimum(1.0, half)))
