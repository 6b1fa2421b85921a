import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.digits import significant


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(2317.8, 3, "2,320"), (123.4, 2, "120"), (7.9, 2, "7.9"), (0.0, 2, "0"), (1.0, 3, "1"), (0.00001234, 3, "0.0000123"),
     (1239152546.0, 3, "1,240,000,000"), (-0.05, 2, "-0.05"), (99.96, 3, "100"), (math.inf, 3, "∞"), (-math.inf, 3, "-∞")],
)  # fmt: skip
def test_numbers_in_sentences(value, digits, text):
    assert significant(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), st.integers(1, 6))
def test_it_is_the_number_to_so_many_digits_and_no_exponent(value, digits):
    text = significant(value, digits)
    assert "e" not in text.lower()
    assert float(text.replace(",", "")) == float(f"{value:.{digits}g}")
