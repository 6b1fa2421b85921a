from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.gravityspy import (
    CLASSES,
    DURATIONS,
    ViewName,
    class_name,
    gps_of_id,
    is_identifier,
    other_view,
    parse_view_name,
)


def test_there_are_24_classes():
    assert len(CLASSES) == 24
    assert {"Fast_Scattering", "Blip_Low_Frequency", "None_of_the_Above"} <= set(CLASSES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("H1_uQiUCgOWOJ_spectrogram_0.5.png", ViewName("H1", "uQiUCgOWOJ", 0.5)),
        ("L1_1253358791.477050066_spectrogram_4.0.png", ViewName("L1", "1253358791.477050066", 4.0)),
        ("L1_abc_LSC-POP_A_RF9_I_ERR_DQ_spectrogram_2.0.png", ViewName("L1", "abc", 2.0)),
        ("V1_x_spectrogram_1.0.jpg", ViewName("V1", "x", 1.0)),
        ("spiral_0001.png", None),
        ("H1__spectrogram_1.0.png", None),
    ],
)
def test_view_names(name, expected):
    assert parse_view_name(PurePath("some/folder") / name) == expected


@given(
    st.sampled_from(["H1", "L1", "V1", "K1"]),
    st.from_regex(r"[A-Za-z0-9]{10}", fullmatch=True),
    st.sampled_from(DURATIONS),
)
def test_every_published_name_is_read_back(ifo, identifier, duration):
    assert parse_view_name(PurePath(f"{ifo}_{identifier}_spectrogram_{duration}.png")) == ViewName(
        ifo, identifier, duration
    )


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("KOIFISH", "Koi_Fish"),
        ("koi fish", "Koi_Fish"),
        (" Koi_Fish ", "Koi_Fish"),
        ("CROWN", "Fast_Scattering"),
        ("NNFTHBV", "None_of_the_Above"),
        ("1080LINE", "1080Lines"),
        ("70HZLINE", "70Hz_Line"),
        ("Spiral", "Spiral"),
        ("<script>", "<script>"),
    ],
)
def test_class_names(label, expected):
    assert class_name(label) == expected


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_its_own_name(name):
    assert class_name(name) == name


def test_gps_of_id():
    assert gps_of_id("1253358791.477050066") == pytest.approx(1253358791.47705, abs=1e-6)
    assert gps_of_id("uQiUCgOWOJ") is None
    assert gps_of_id("1234567890") is None  # ten characters may well be all digits


@pytest.mark.parametrize("text", ["../x", "a/../b", "", "/etc/passwd", "a//b", "x" * 201, "a\nb", "<b>", "=1+1"])
def test_what_cannot_be_an_id(text):
    assert not is_identifier(text)


@pytest.mark.parametrize("text", ["uQiUCgOWOJ", "1253358791.477050066", "Spiral/0001", "a b (2)"])
def test_what_can_be_an_id(text):
    assert is_identifier(text)


def test_the_other_view_of_a_glitch_is_beside_it():
    path = Path("a.b/H1_x_GDS-CALIB_STRAIN_spectrogram_0.5.png")
    assert other_view(path, 4.0) == Path("a.b/H1_x_GDS-CALIB_STRAIN_spectrogram_4.0.png")
