import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.digits import percent, portion, significant


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(2317.8, 3, "2,320"), (123.4, 2, "120"), (7.9, 2, "7.9"), (0.0, 2, "0"), (1.0, 3, "1"), (0.00001234, 3, "0.0000123"),
     (1239152546.0, 3, "1,240,000,000"), (-0.05, 2, "-0.05"), (99.96, 3, "100"), (math.inf, 3, "∞"), (-math.inf, 3, "-∞"), (math.nan, 3, "\u2013"),
     (-0.0, 2, "0"), (1.234e-23, 3, "1.23 \xd7 10⁻²³"), (-5e-324, 2, "-4.9 \xd7 10⁻³²⁴"), (1e26, 3, "1 \xd7 10²⁶"), (9.99999e-7, 3, "0.000001")],
)  # fmt: skip
def test_numbers_in_sentences(value, digits, text):
    assert significant(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 6))
def test_it_is_the_number_to_so_many_digits(value, digits):
    text = significant(value, digits)
    assert "e" not in text.lower()
    assert len(text) <= 21
    read = text.replace(",", "").replace(" \xd7 10", "e").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    assert float(read) == float(f"{value:.{digits}g}")


@pytest.mark.parametrize(
    ("value", "text", "in_percent"),
    [(0.5, "0.50", "50 %"), (1, "1", "100 %"), (0, "0", "0 %"), (0.9999, "over 0.995", "over 99.5 %"), (0.9951, "over 0.995", "over 99.5 %"),
     (0.9949, "0.99", "99 %"), (0.004, "below 0.005", "below 0.5 %"), (math.nan, "\u2013", "\u2013 %")],
)  # fmt: skip
def test_what_is_not_certain_is_not_called_so(value, text, in_percent):
    assert portion(value) == text
    assert percent(value) == in_percent


def test_with_more_decimals():
    assert portion(0.99996, 4) == "over 0.99995"
    assert percent(0.9996, 1) == "over 99.95 %"
    assert percent(0.99, 1) == "99.0 %"
