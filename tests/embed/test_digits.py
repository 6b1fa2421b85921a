import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.digits import significant


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
