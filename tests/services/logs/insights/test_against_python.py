"""Random events and random queries: what boto3 hears is what plain Python makes of the same."""

import json
import math
import random
import re
from collections import defaultdict
from typing import Any

import pytest

EVENTS = 400
LEVELS = ("INFO", "WARN", "ERROR", "error", "")
NAMES = ("ann", "bob", "cat-9", "cat-10", "Zoë", "")


def _event(chance: random.Random) -> Any:
    """JSON with members that miss, numbers in texts and truths; or a line of text."""
    kind = chance.random()
    if kind < 0.2:
        name, method = chance.choice(NAMES), chance.choice(("GET", "PUT"))
        return f"user={name}, method:{method}, took := {_number(chance)}"
    if kind < 0.25:
        return chance.choice(("", "{", "plain text", '{"level": }', "[1, 2]")) or "-"
    event: dict[str, Any] = {}
    if chance.random() < 0.9:
        event["level"] = chance.choice(LEVELS)
    if chance.random() < 0.8:
        event["took"] = chance.choice((_number(chance), str(_number(chance)), "slow", None, True))
    if chance.random() < 0.8:
        event["user"] = {"name": chance.choice(NAMES), "id": chance.randrange(9)}
    if chance.random() < 0.5:
        event["items"] = [{"id": chance.randrange(20)} for _ in range(chance.randrange(3))]
    return event


def _number(chance: random.Random) -> float | int:
    return chance.choice((chance.randrange(-5, 50), round(chance.uniform(-2, 90), 2)))


@pytest.fixture(scope="module")
def told(asked):
    """A group and its events as Python sees them: times, messages and flat fields."""
    chance = random.Random(20261121)
    events = [_event(chance) for _ in range(EVENTS)]
    group = asked.group(*events, step_ms=997)
    rows = []
    for number, event in enumerate(events):
        message = event if isinstance(event, str) else json.dumps(event)
        fields = {} if isinstance(event, str) else _flat(event)
        rows.append({"@message": message, "time": asked.begin_ms + number * 997, **fields})
    return group, rows


def _flat(value: Any, name: str = "") -> dict[str, str]:
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        found: dict[str, str] = {}
        for key, one in pairs:
            found |= _flat(one, f"{name}.{key}" if name else str(key))
        return found
    if value is None:
        return {}
    if isinstance(value, bool):
        return {name: "1" if value else "0"}
    return {name: value if isinstance(value, str) else json.dumps(value)}


def number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is None or math.isfinite(found) else None


def shown(value: float) -> str:
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


TESTS = {
    "took > 20": lambda e: (n := number(e.get("took"))) is not None and n > 20,
    "took <= 7.5": lambda e: (n := number(e.get("took"))) is not None and n <= 7.5,
    'took < "30"': lambda e: (n := number(e.get("took"))) is not None and n < 30,
    "level = 'ERROR'": lambda e: e.get("level") == "ERROR",
    "level != 'ERROR'": lambda e: e.get("level") != "ERROR",
    "user.id in [1, 3, 5]": lambda e: number(e.get("user.id")) in (1, 3, 5),
    'user.name not in ["ann", "bob"]': lambda e: e.get("user.name") not in ("ann", "bob"),
    "level like /(?i)err/": lambda e: re.search("(?i)err", e.get("level", "")) is not None,
    "@message like 'user'": lambda e: "user" in e["@message"],
    "@message not like /\\d{2}/": lambda e: re.search(r"\d{2}", e["@message"]) is None,
    "ispresent(user.name)": lambda e: "user.name" in e,
    "isempty(level)": lambda e: e.get("level", "") == "",
    "took = 1": lambda e: number(e.get("took")) == 1,
    "strlen(user.name) % 3 = 0": lambda e: "user.name" in e and len(e["user.name"]) % 3 == 0,
    "items.0.id >= user.id": lambda e: _at_least(e.get("items.0.id"), e.get("user.id")),
    "toupper(level) = 'ERROR'": lambda e: e.get("level", "").upper() == "ERROR",
}


def _at_least(left: str | None, right: str | None) -> bool:
    return left is not None and right is not None and float(left) >= float(right)


@pytest.mark.parametrize("seed", range(8))
def test_filters_choose_what_python_chooses(asked, told, seed: int) -> None:
    group, rows = told
    chance = random.Random(seed)
    (a, p), (b, q), (c, r) = chance.sample(list(TESTS.items()), 3)
    text, test = chance.choice(
        [
            (f"({a}) and ({b}) or not ({c})", lambda e: (p(e) and q(e)) or not r(e)),
            (f"not ({a} or {b}) and {c}", lambda e: not (p(e) or q(e)) and r(e)),
            (f"{a} or {b} and {c}", lambda e: p(e) or (q(e) and r(e))),
        ]
    )
    answer = asked.answer(
        f"fields @message | filter {text} | sort @timestamp asc | limit 1000", group
    )
    found = [row[0]["value"] for row in answer["results"]]
    expected = [e["@message"] for e in rows if test(e)]
    assert found == expected, text
    statistics = answer["statistics"]
    assert statistics["recordsMatched"] == len(expected)
    assert statistics["recordsScanned"] == EVENTS
    assert statistics["bytesScanned"] == sum(len(e["@message"].encode()) + 26 for e in rows)


KEYS = {
    "level": lambda e: e.get("level"),
    "user.name": lambda e: e.get("user.name"),
    "bin(1m)": lambda e: _bin(e["time"]),
    "user.id % 2": lambda e: None if (n := number(e.get("user.id"))) is None else shown(n % 2),
    "strcontains(@message, 'a')": lambda e: "1" if "a" in e["@message"] else "0",
}


def _bin(time_ms: int) -> str:
    import datetime

    moment = datetime.datetime.fromtimestamp(time_ms // 60_000 * 60, datetime.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.000"


def _numbers(events: list[dict[str, Any]]) -> list[float]:
    return [n for e in events if (n := number(e.get("took"))) is not None]


def _sum(events: list[dict[str, Any]]) -> str | None:
    found = _numbers(events)
    return shown(math.fsum(found)) if found else None


def _mean(events: list[dict[str, Any]]) -> str | None:
    found = _numbers(events)
    return shown(math.fsum(found) / len(found)) if found else None


def _last(events: list[dict[str, Any]]) -> str | None:
    found = [e["level"] for e in events if "level" in e]
    return found[-1] if found else None


def _greatest(events: list[dict[str, Any]]) -> float | None:
    return max(_numbers(events), default=None)


VALUES = {
    "count(*)": lambda es: str(len(es)),
    "count(took)": lambda es: str(sum("took" in e for e in es)),
    "count_distinct(user.name)": lambda es: str(len({e.get("user.name") for e in es} - {None})),
    "sum(took)": _sum,
    "avg(took)": _mean,
    "latest(level)": _last,
    "sum(took) / count(*)": lambda es: (
        shown(math.fsum(s) / len(es)) if (s := _numbers(es)) else None
    ),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_statistics_are_those_of_python(asked, told, seed: int) -> None:
    group, rows = told
    chance = random.Random(seed + 100)
    keys = chance.sample(list(KEYS), chance.randrange(3))
    values = chance.sample(list(VALUES), 3)
    test_text, test = chance.choice(list(TESTS.items()))
    by = f" by {', '.join(keys)}" if keys else ""
    found = asked.rows(f"filter {test_text} | stats {', '.join(values)}{by}", group)
    gathered: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for event in rows:
        if test(event):
            gathered[tuple(KEYS[key](event) for key in keys)].append(event)
    expected = []
    for places, events in gathered.items():
        row = dict(zip(keys, places, strict=True)) | {v: VALUES[v](events) for v in values}
        expected.append({name: value for name, value in row.items() if value is not None})
    assert sorted(map(repr, map(_ordered, found))) == sorted(map(repr, map(_ordered, expected)))


def _ordered(row: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(row.items())


def test_parsed_fields_are_what_the_patterns_hold(asked, told) -> None:
    group, rows = told
    pattern = re.compile(r"user=(.*?), method:(.*?), took := (.*)")
    expected = [
        {"@message": e["@message"], "who": m[1], "how": m[2], "took": m[3]}
        for e in rows
        if (m := pattern.search(e["@message"]))
    ]
    tail = " | filter ispresent(who) | sort @timestamp asc | display @message, who, how, took"
    glob = 'parse @message "user=*, method:*, took := *" as who, how, took' + tail
    regex = "parse @message /user=(?<who>.*?), method:(?<how>.*?), took := (?<took>.*)/" + tail
    assert asked.rows(glob, group) == asked.rows(regex, group) == expected


def _sort_key(text: str | None) -> Any:
    """Texts before numbers, numbers in texts by their size, what is missing last."""
    if text is None:
        return (2,)
    found = number(text)
    if found is not None:
        return (1, found)
    return (0, re.sub(r"\d+", lambda m: m[0].rjust(30, "0"), text).encode())


@pytest.mark.parametrize("field", ["took", "user.name", "level"])
def test_rows_sort_as_in_aws(asked, told, field: str) -> None:
    group, rows = told
    for direction in ("asc", "desc"):
        found = asked.rows(f"fields {field} | sort {field} {direction}, @timestamp asc", group)
        values = [row.get(field) for row in found]
        present = [e for e in rows if field in e]
        missing = [None] * (len(rows) - len(present))
        present.sort(key=lambda e: _sort_key(e[field]), reverse=direction == "desc")
        keys = [_sort_key(e[field]) for e in present]
        assert [_sort_key(one) for one in values] == keys + [_sort_key(None) for _ in missing]


def test_dedup_keeps_the_first_of_each(asked, told) -> None:
    group, rows = told
    seen: set[Any] = set()
    expected = []
    for event in sorted(rows, key=lambda e: -e["time"]):
        key = (event.get("level"), event.get("user.id"))
        if None in key or key not in seen:
            seen.add(key)
            expected.append(event["@message"])
    found = asked.rows("fields @message | dedup level, user.id | limit 1000", group)
    assert [row["@message"] for row in found] == expected
