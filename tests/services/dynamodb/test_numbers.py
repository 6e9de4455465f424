"""Numbers: one spelling each, exact sums, and bytes in their order."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.dynamodb.errors import ValidationError
from millpond.services.dynamodb.model import numbers

NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
    st.sampled_from((0, 1)),
    st.lists(st.integers(0, 9), min_size=1, max_size=38).map(tuple),
    st.integers(-130, 88),
)


@given(NUMBERS, NUMBERS)
def test_bytes_are_in_the_order_of_numbers(one: Decimal, other: Decimal) -> None:
    left, right = (numbers.encode(numbers.normalise(str(each))) for each in (one, other))
    assert (left < right, left == right) == (one < other, one == other)
    if one != other:
        assert not left.startswith(right)


@given(NUMBERS)
def test_a_number_keeps_its_value_and_has_one_spelling(number: Decimal) -> None:
    text = numbers.normalise(str(number))
    assert Decimal(text) == number
    assert numbers.normalise(text) == text
    assert "E" not in text
    assert numbers.normalise(f"{number:f}000" if "." in f"{number:f}" else str(number)) == text


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("1", "1"),
        ("-0", "0"),
        ("0.0", "0"),
        ("0e5", "0"),
        ("007", "7"),
        ("+7", "7"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("100E-2", "1"),
        ("-1.23e-5", "-0.0000123"),
        ("9.9999999999999999999999999999999999999e125", "9" * 38 + "0" * 88),
        ("1" * 38, "1" * 38),
        ("1" + "0" * 60, "1" + "0" * 60),
    ],
)
def test_numbers_are_normalised(given: str, normal: str) -> None:
    assert numbers.normalise(given) == normal


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("abc", "The parameter cannot be converted to a numeric value: abc"),
        ("1 ", "The parameter cannot be converted to a numeric value: 1 "),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("Infinity", "The parameter cannot be converted to a numeric value: Infinity"),
        ("1_0", "The parameter cannot be converted to a numeric value: 1_0"),
        ("١", "The parameter cannot be converted to a numeric value: ١"),
        ("1e126", "Number overflow. Attempting to store a number with magnitude larger than"),
        ("1e-131", "Number underflow. Attempting to store a number with magnitude smaller than"),
        ("1e999999999", "Number overflow."),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
    ],
)
def test_what_is_no_number_is_refused(given: str, text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        numbers.normalise(given)
    assert refused.value.message.startswith(text)


@given(st.integers(-(10**37), 10**37), st.integers(-(10**37), 10**37))
def test_sums_are_exact(one: int, other: int) -> None:
    assert numbers.add(str(one), str(other)) == numbers.normalise(str(one + other))
    assert numbers.subtract(str(one), str(other)) == numbers.normalise(str(one - other))


def test_a_sum_that_needs_more_digits_is_refused() -> None:
    with pytest.raises(ValidationError, match="more than 38 significant digits"):
        numbers.add("1", "1e-40")
    with pytest.raises(ValidationError, match="Number overflow"):
        numbers.add("9e125", "9e125")


@pytest.mark.parametrize(
    ("number", "size"), [("0", 1), ("1", 2), ("-1", 3), ("1000", 2), ("1.25", 3)]
)
def test_a_number_counts_a_byte_for_two_digits(number: str, size: int) -> None:
    assert numbers.size_bytes(number) == size
