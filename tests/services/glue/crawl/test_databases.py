"""Places of tables in databases."""

import pytest

from millpond.services.glue.crawl.databases import is_excluded, is_within


@pytest.mark.parametrize(
    ("location", "path", "within"),
    [
        ("shop.public.sales", "shop", True),
        ("shop.public.sales", "shop/public", True),
        ("shop.public.sales", "shop/%/sales", True),
        ("shop.public.sales", "shop/pub%/s%s", True),
        ("shop.public.sales", "shop/public/sale", False),
        ("shop.public.sa\nles", "shop/%/sa%", True),
        ("shop.public.[x]", "shop/public/[x]", True),
        ("shops.public.sales", "shop", False),
    ],
)
def test_a_path_holds_what_its_parts_match(location, path, within):
    assert is_within(location, path) == within


def test_many_wildcards_take_no_longer_than_few():
    assert not is_excluded("shop." + "a" * 250, ["shop/" + "*a" * 60 + "b"])
