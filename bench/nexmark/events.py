"""Makes Nexmark's events from the specification of its generator.

Of 50 events one is a person, three are auctions and 46 are bids, in this order. Ids count up from
1,000. Half of the bids go to a hot auction and three of four come from a hot bidder (ratios 2 and
4 of the specification); three of four auctions are of a hot seller. An event's time follows from
its number and the rate. `extra` fills an event up to the average size of the specification.

Source: NEXMark (Tucker, Tufte, Papadimos, Maier, 2002), and the parameters that Apache Beam's and
Flink's suites give it (events 1:3:46, average sizes 200, 500 and 100 bytes).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

FIRST_ID = 1_000
FIRST_CATEGORY = 10
CATEGORIES = 5
PER_EPOCH = 50
PERSON_PER_EPOCH, AUCTIONS_PER_EPOCH, BIDS_PER_EPOCH = 1, 3, 46
HOT_AUCTION, HOT_BIDDER, HOT_SELLER = 2, 4, 4
HOT_STEP = 100
ACTIVE_PEOPLE = 1_000
IN_FLIGHT_AUCTIONS = 100
STATES = ("AZ", "CA", "ID", "OR", "WA", "WY")
CITIES = (
    *("Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond"),
    *("Seattle", "Kent", "Cheyenne"),
)
FIRST_NAMES = ("Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter")
LAST_NAMES = ("Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones")
CHANNELS = ("Google", "Facebook", "Baidu", "Apple")
PERSON_SIZE, AUCTION_SIZE, BID_SIZE = 200, 500, 100
START_MS = 1_436_918_400_000


class Generator:
    """Events by number: the same number and seed give the same event."""

    def __init__(self, events_per_second: int = 10_000, seed: int = 1) -> None:
        self._step_us = 1_000_000 / events_per_second
        self._random = np.random.default_rng(seed)

    def lines(self, first: int, count: int) -> Iterator[bytes]:
        """Events as JSON: `event_type` (0 person, 1 auction, 2 bid), and the one that it is."""
        dice = self._random.integers(0, 2**31, (count, 6)).tolist()
        for number, (a, b, c, d, e, f) in zip(range(first, first + count), dice, strict=True):
            epoch, offset = divmod(number, PER_EPOCH)
            time = _time_text(START_MS + int(number * self._step_us / 1_000))
            if offset < PERSON_PER_EPOCH:
                event = {"event_type": 0, "person": _person(FIRST_ID + epoch, a, b, c, d, time)}
            elif offset < PERSON_PER_EPOCH + AUCTIONS_PER_EPOCH:
                auction_id = FIRST_ID + epoch * AUCTIONS_PER_EPOCH + offset - PERSON_PER_EPOCH
                ends = _time_text(START_MS + int(number * self._step_us / 1_000) + 1 + f % 10_000)
                event = {
                    "event_type": 1,
                    "auction": _auction(auction_id, epoch, a, b, c, d, e, time, ends),
                }
            else:
                event = {"event_type": 2, "bid": _bid(epoch, a, b, c, d, e, time)}
            yield json.dumps(event, separators=(",", ":")).encode()


def write(folder: Path, count: int, files: int = 4) -> list[Path]:
    """`count` events as files of JSON lines, in order of time."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = Generator()
    paths = []
    for part in range(files):
        first, last = count * part // files, count * (part + 1) // files
        path = folder / f"events-{part:03d}.json"
        with path.open("wb") as file:
            for line in generator.lines(first, last - first):
                file.write(line + b"\n")
        paths.append(path)
    return paths


def _person(number: int, a: int, b: int, c: int, d: int, time: str) -> dict[str, object]:
    name = f"{FIRST_NAMES[a % len(FIRST_NAMES)]} {LAST_NAMES[b % len(LAST_NAMES)]}"
    person: dict[str, object] = {
        "id": number,
        "name": name,
        "emailAddress": f"{_letters(c, 7)}@{_letters(d, 5)}.com",
        "creditCard": f"{a % 10_000:04d} {b % 10_000:04d} {c % 10_000:04d} {d % 10_000:04d}",
        "city": CITIES[c % len(CITIES)],
        "state": STATES[d % len(STATES)],
        "dateTime": time,
    }
    return _filled(person, PERSON_SIZE, a)


def _auction(
    number: int, epoch: int, a: int, b: int, c: int, d: int, e: int, time: str, ends: str
) -> dict[str, object]:
    last_person = FIRST_ID + epoch
    if a % HOT_SELLER:
        seller = last_person // HOT_STEP * HOT_STEP
    else:
        seller = last_person - b % min(ACTIVE_PEOPLE, epoch + 1)
    price = _price(c)
    auction: dict[str, object] = {
        "id": number,
        "itemName": _letters(d, 12),
        "description": _letters(e, 40),
        "initialBid": price,
        "reserve": price + _price(d),
        "dateTime": time,
        "expires": ends,
        "seller": max(seller, FIRST_ID),
        "category": FIRST_CATEGORY + e % CATEGORIES,
    }
    return _filled(auction, AUCTION_SIZE, b)


def _bid(epoch: int, a: int, b: int, c: int, d: int, e: int, time: str) -> dict[str, object]:
    last_auction = FIRST_ID + epoch * AUCTIONS_PER_EPOCH + AUCTIONS_PER_EPOCH - 1
    if a % HOT_AUCTION:
        auction = last_auction // HOT_STEP * HOT_STEP
    else:
        auction = last_auction - b % min(IN_FLIGHT_AUCTIONS, last_auction - FIRST_ID + 1)
    last_person = FIRST_ID + epoch
    if c % HOT_BIDDER:
        bidder = last_person // HOT_STEP * HOT_STEP + 1
    else:
        bidder = last_person - d % min(ACTIVE_PEOPLE, epoch + 1)
    channel = CHANNELS[e % len(CHANNELS)] if e % 2 else f"channel-{e % 10_000}"
    bid: dict[str, object] = {
        "auction": max(auction, FIRST_ID),
        "bidder": max(bidder, FIRST_ID),
        "price": _price(d),
        "channel": channel,
        "url": f"https://www.nexmark.com/{_letters(e, 5)}/item.htm?query=1",
        "dateTime": time,
    }
    return _filled(bid, BID_SIZE, a)


def _price(dice: int) -> int:
    """From 100 to 10,000,000 (cents), each power of ten as likely as another."""
    return round(10 ** (dice % 6_000_000 / 1_000_000) * 100)


def _letters(dice: int, length: int) -> str:
    found = []
    for _ in range(length):
        dice = (dice * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        found.append(chr(97 + (dice >> 16) % 26))
    return "".join(found)


def _filled(event: dict[str, object], size: int, dice: int) -> dict[str, object]:
    used = sum(len(value) if isinstance(value, str) else 8 for value in event.values())
    missing = max(0, size - used)
    event["extra"] = (_letters(dice, 26) * (missing // 26 + 1))[:missing]
    return event


def _time_text(time_ms: int) -> str:
    return str(np.datetime64(time_ms, "ms")).replace("T", " ")
