"""Makes card transactions: same seed, same transactions, with frauds planted in them.

    python -m examples.fraud.generate --out history --seconds 600 --rate 1000

writes what an archive would hold (`transactions/*.parquet`), the cards (`cards.csv`) and, aside,
which transactions were frauds (`labels.csv`).

`Transactions` makes them batch by batch, each transaction at its own millisecond, as fast as they
are asked for. Thieves work beside the owners: a stolen card is tried with many small amounts and
then used for a big one (card testing), used far from where it was a moment ago (impossible
travel), or used for much more than its owner spends (amount spike).
"""

import argparse
import csv
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from examples.fraud.features import kilometres
from examples.fraud.model import (
    CATEGORIES,
    CITIES,
    FACTORS,
    MERCHANTS,
    ONLINE,
    PATTERNS,
    SHARES,
    card_id,
    make_cards,
)

CARDS_DEFAULT = 50_000
RATE_DEFAULT = 5_000
FRAUD_SHARE = 0.004
"""How many of all transactions are frauds, about."""
_DIFFERENT = 0.004
"""How many of the owners' transactions are larger than usual, or with a shop far away."""

SCHEMA = pa.schema(
    [
        ("transaction_id", pa.string()),
        ("card_id", pa.string()),
        ("merchant_id", pa.string()),
        ("category", pa.string()),
        ("amount", pa.float64()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("event_time", pa.timestamp("ms", "UTC")),
    ]
)


@dataclass(frozen=True)
class Batch:
    """Transactions in order of time. `time_ms` is epoch milliseconds; `pattern` is the fraud's
    place in PATTERNS, -1 where there is none."""

    number: NDArray[np.int64]
    card: NDArray[np.int64]
    merchant: NDArray[np.int64]
    category: NDArray[np.int64]
    amount: NDArray[np.float64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    time_ms: NDArray[np.int64]
    pattern: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.number)

    def ids(self) -> list[str]:
        return [f"t{number:09d}" for number in self.number.tolist()]

    def labels(self) -> Iterator[tuple[str, str]]:
        """The ids of the frauds, and their patterns."""
        for place in np.flatnonzero(self.pattern >= 0).tolist():
            yield f"t{self.number[place]:09d}", PATTERNS[self.pattern[place]]

    def table(self) -> pa.Table:
        """The transactions as the archive holds them."""
        columns: list[Any] = [
            self.ids(),
            [card_id(card) for card in self.card.tolist()],
            [f"m{merchant:05d}" for merchant in self.merchant.tolist()],
            [CATEGORIES[category] for category in self.category.tolist()],
            self.amount,
            self.latitude,
            self.longitude,
            pa.array(self.time_ms, pa.int64()).cast(pa.timestamp("ms", "UTC")),
        ]
        return pa.table(
            [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
        )

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Each transaction's card, which is its partition key, and its JSON."""
        times = np.datetime_as_string(self.time_ms.astype("datetime64[ms]"))
        for number, card, merchant, category, amount, latitude, longitude, time in zip(
            self.number.tolist(),
            self.card.tolist(),
            self.merchant.tolist(),
            self.category.tolist(),
            self.amount.tolist(),
            self.latitude.tolist(),
            self.longitude.tolist(),
            times.tolist(),
            strict=True,
        ):
            card_name = card_id(card)
            text = (
                f'{{"transaction_id":"t{number:09d}","card_id":"{card_name}",'
                f'"merchant_id":"m{merchant:05d}","category":"{CATEGORIES[category]}",'
                f'"amount":{amount},"latitude":{latitude},"longitude":{longitude},'
                f'"event_time":"{time}Z"}}'
            )
            yield card_name, text.encode()


@dataclass(order=True)
class _Theft:
    """One transaction that a thief is going to make."""

    time_ms: int
    card: int
    category: int
    amount: float
    latitude: float
    longitude: float
    pattern: int


class Transactions:
    """Transactions from `start_ms` on. `first` is the number of the first of them."""

    def __init__(
        self, seed: int, start_ms: int, cards: int = CARDS_DEFAULT, first: int = 0
    ) -> None:
        self.cards = make_cards(cards, seed)
        self._random = np.random.default_rng([seed, 2, first])
        self._sums = np.cumsum(self.cards.weight)
        self._places = np.array([place[1:] for place in CITIES])
        self._thefts: list[_Theft] = []
        self._now_ms = start_ms
        self._next = first

    def take(self, count: int, span_ms: int) -> Batch:
        """`count` transactions of the owners, spread evenly over the next `span_ms`, and those of
        the thieves."""
        random, cards = self._random, self.cards
        start = self._now_ms
        self._now_ms += span_ms
        time_ms = start + np.sort(random.integers(0, max(span_ms, 1), count))
        card = np.minimum(np.searchsorted(self._sums, random.random(count)), len(cards) - 1)
        category = np.searchsorted(np.cumsum(SHARES), random.random(count)).clip(
            0, len(CATEGORIES) - 1
        )
        amount = cards.usual_amount[card] * np.array(FACTORS)[category]
        amount *= random.lognormal(0, 0.5, count)
        latitude = cards.latitude[card] + random.normal(0, 0.03, count)
        longitude = cards.longitude[card] + random.normal(0, 0.03, count)
        different = random.random(count) < _DIFFERENT
        larger = different & (random.random(count) < 0.6)
        amount[larger] *= random.uniform(3, 15, int(larger.sum()))
        away = different & ~larger
        city = random.integers(0, len(CITIES), count)
        latitude[away], longitude[away] = self._places[city[away]].T
        online = category == ONLINE
        amount[online & (random.random(count) < 0.15)] = 1.99
        self._plan_thefts(time_ms, card)
        return self._numbered(
            time_ms, card, category, amount, latitude, longitude, self._due_thefts()
        )

    def _plan_thefts(self, time_ms: NDArray[np.int64], card: NDArray[np.int64]) -> None:
        random, cards = self._random, self.cards
        chosen = np.flatnonzero(random.random(len(card)) < FRAUD_SHARE / 5)
        for place in chosen.tolist():
            stolen, at = int(card[place]), int(time_ms[place])
            usual = float(cards.usual_amount[stolen])
            home = (float(cards.latitude[stolen]), float(cards.longitude[stolen]))
            pattern = int(random.integers(0, len(PATTERNS)))
            if PATTERNS[pattern] == "card testing":
                for _ in range(int(random.integers(5, 11))):
                    at += int(random.integers(400, 2_500))
                    self._plan(at, stolen, ONLINE, random.uniform(0.5, 2.5), home, pattern)
                at += int(random.integers(400, 2_500))
                self._plan(at, stolen, ONLINE, usual * random.uniform(8, 20), home, pattern)
            elif PATTERNS[pattern] == "impossible travel":
                far = self._far_from(home)
                for _ in range(int(random.integers(1, 4))):
                    at += int(random.integers(2_000, 15_000))
                    bought = CATEGORIES.index(("electronics", "cash")[int(random.integers(0, 2))])
                    self._plan(at, stolen, bought, usual * random.uniform(1, 6), far, pattern)
            else:
                for _ in range(int(random.integers(1, 4))):
                    at += int(random.integers(1_000, 10_000))
                    bought = CATEGORIES.index(("electronics", "travel")[int(random.integers(0, 2))])
                    self._plan(at, stolen, bought, usual * random.uniform(12, 60), home, pattern)

    def _plan(
        self,
        time_ms: int,
        card: int,
        category: int,
        amount: float,
        place: tuple[float, float],
        pattern: int,
    ) -> None:
        theft = _Theft(time_ms, card, category, amount, place[0], place[1], pattern)
        heapq.heappush(self._thefts, theft)

    def _far_from(self, place: tuple[float, float]) -> tuple[float, float]:
        for _ in range(20):
            city = self._places[int(self._random.integers(0, len(CITIES)))]
            if kilometres(place[0], place[1], city[0], city[1]) > 2_500:
                break
        return float(city[0]), float(city[1])

    def _due_thefts(self) -> list[_Theft]:
        due = []
        while self._thefts and self._thefts[0].time_ms < self._now_ms:
            due.append(heapq.heappop(self._thefts))
        return due

    def _numbered(
        self,
        time_ms: NDArray[np.int64],
        card: NDArray[np.int64],
        category: NDArray[np.int64],
        amount: NDArray[np.float64],
        latitude: NDArray[np.float64],
        longitude: NDArray[np.float64],
        thefts: list[_Theft],
    ) -> Batch:
        time_ms = np.concatenate([time_ms, np.array([t.time_ms for t in thefts], np.int64)])
        order = np.argsort(time_ms, kind="stable")
        count = len(order)

        def merged(owners: NDArray[Any], thieves: list[Any]) -> NDArray[Any]:
            both: NDArray[Any] = np.concatenate([owners, np.array(thieves, owners.dtype)])[order]
            return both

        number = np.arange(self._next, self._next + count)
        self._next += count
        return Batch(
            number=number,
            card=merged(card, [t.card for t in thefts]),
            merchant=self._random.integers(0, MERCHANTS, count),
            category=merged(category, [t.category for t in thefts]),
            amount=np.maximum(np.round(merged(amount, [t.amount for t in thefts]), 2), 0.01),
            latitude=np.round(merged(latitude, [t.latitude for t in thefts]), 4),
            longitude=np.round(merged(longitude, [t.longitude for t in thefts]), 4),
            time_ms=time_ms[order],
            pattern=merged(np.full(count - len(thefts), -1), [t.pattern for t in thefts]),
        )


def write_cards(path: Path, transactions: Transactions) -> None:
    """What the bank knows of each card: the reference table of the application."""
    cards = transactions.cards
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        for number in range(len(cards)):
            rows.writerow(
                [
                    card_id(number),
                    cards.usual_amount[number],
                    round(float(cards.latitude[number]), 4),
                    round(float(cards.longitude[number]), 4),
                ]
            )


def write_history(
    folder: Path, seed: int, start_ms: int, seconds: int, rate: int, cards: int = CARDS_DEFAULT
) -> int:
    """Transactions of the past as Parquet files, the cards, and the labels; how many."""
    (folder / "transactions").mkdir(parents=True)
    transactions = Transactions(seed, start_ms, cards)
    write_cards(folder / "cards.csv", transactions)
    count = 0
    with (folder / "labels.csv").open("w", newline="") as file:
        labels = csv.writer(file, lineterminator="\n")
        labels.writerow(["transaction_id", "pattern"])
        for part in range(0, seconds, 60):
            span = min(60, seconds - part)
            batch = transactions.take(rate * span, span * 1_000)
            pq.write_table(batch.table(), folder / "transactions" / f"{part // 60:05d}.parquet")
            labels.writerows(batch.labels())
            count += len(batch)
    return count


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m examples.fraud.generate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=1_000, help="transactions a second")
    parser.add_argument("--cards", type=int, default=CARDS_DEFAULT)
    parser.add_argument("--start-ms", type=int, default=1_767_225_600_000)
    options = parser.parse_args()
    count = write_history(
        options.out, options.seed, options.start_ms, options.seconds, options.rate, options.cards
    )
    print(f"{count:,} transactions in {options.out}")


if __name__ == "__main__":
    main()
