"""Nexmark's queries: the nodes that they become, and that these can be made."""

import pytest
from nexmark import QUERIES, program
from program_runs import at, kinds, only, planned, run

from millpond.engines.streams import plan as plans

ONE = ["Source", "Project", "Sink"]
KINDS = {
    0: ONE,
    1: ONE,
    2: ONE,
    3: ["Source", "Project", "Project", "Join", "Project", "Sink"],
    5: [
        *("Source", "Project", "AggregateWindow", "Project"),
        *("Project", "PerWindow", "Project", "PerWindow", "Project", "Sink"),
    ],
    7: [
        *("Source", "Project", "Project", "AggregateWindow", "Project"),
        *("Join", "Project", "Sink"),
    ],
    8: [
        *("Source", "Project", "AggregateWindow", "Project"),
        *("Project", "AggregateWindow", "Project", "PerWindow", "Project", "Sink"),
    ],
    11: ["Source", "Project", "AggregateWindow", "Project", "Sink"],
    12: ["Source", "Project", "AggregateWindow", "Project", "Sink"],
}


@pytest.mark.parametrize("number", QUERIES)
def test_a_query_is_planned(number):
    plan = planned(program(number))
    assert kinds(plan) == KINDS[number]
    again = planned(program(number))
    assert [node.id for node in again.nodes()] == [node.id for node in plan.nodes()]


def test_conditions_on_one_side_come_before_the_join():
    join = only(planned(program(3)), plans.Join)
    assert (join.left_keys, join.right_keys, join.condition) == (("seller",), ("id0",), None)
    assert "'category') = " in join.left.condition
    assert "'OR'" in join.right.condition
    assert join.left.names == ("id", "seller")


def test_a_time_that_is_no_attribute_is_an_ordinary_condition():
    join = only(planned(program(7)), plans.Join)
    assert (join.left_keys, join.right_keys) == (("price",), ("maxprice",))
    assert (join.lower_ms, join.upper_ms, join.rowtime) == (None, None, None)
    assert join.condition == (
        '(l."dateTime" BETWEEN (r."window_end" - INTERVAL (10000000) MICROSECONDS)'
        ' AND r."window_end")'
    )


def test_windows_in_processing_time():
    window = only(planned(program(12)), plans.AggregateWindow)
    assert window.window == plans.Window("tumble", "p_time", 10_000, processing=True)
    assert window.rowtime is None


def bid(seconds, auction, price=1, bidder=1):
    given = {"auction": auction, "bidder": bidder, "price": price, "dateTime": at(seconds)}
    return {"event_type": 2, "bid": {"channel": "c", "url": "u", "extra": "e", **given}}


def test_the_auctions_with_the_most_bids():
    bids = [bid(1, 7), bid(2, 7), bid(3, 8), bid(11, 8)]
    rows = run(planned(program(5)), [{"nexmark": bids}])["result"]
    found = sorted((row["auction"], row["num"]) for row in rows)
    assert found == [(7, 1), *[(7, 2)] * 4, *[(8, 1)] * 4, (8, 2)]


def test_the_highest_bids():
    bids = [bid(1, 7, 5), bid(2, 8, 9), bid(12, 7, 3), bid(13, 8, 9)]
    rows = run(planned(program(7)), [{"nexmark": bids[:2]}, {"nexmark": bids[2:]}])["result"]
    assert sorted((row["auction"], row["price"]) for row in rows) == [(8, 9), (8, 9)]


def test_new_users_that_sell():
    person = {"id": 3, "name": "n", "dateTime": at(1)}
    auction = {"id": 1, "seller": 3, "dateTime": at(2)}
    other = {"id": 2, "seller": 3, "dateTime": at(12)}
    events = [
        {"event_type": 0, "person": person},
        {"event_type": 1, "auction": auction},
        {"event_type": 1, "auction": other},
    ]
    rows = run(planned(program(8)), [{"nexmark": events}])["result"]
    assert rows == [{"id": 3, "name": "n", "stime": at(0)}]


def test_bids_in_a_session():
    rows = run(planned(program(11)), [{"nexmark": [bid(1, 7), bid(9, 8), bid(30, 7)]}])["result"]
    assert [tuple(row.values()) for row in rows] == [
        (1, 2, at(1), at(19)),
        (1, 1, at(30), at(40)),
    ]
