"""The map's page on a phone and beside two glitches: what is asked for is in sight, and names break where they may."""

import pytest
from support.browser import needs_chromium
from support.explorer import opened

pytestmark = needs_chromium
PHONE = (390, 844)
DISTANCE = "Math.hypot(...Object.values(document.querySelector('#plot').layout.scene.camera.eye))"


def test_what_is_found_is_on_the_screen(browser, path):
    opened(browser, path, size=PHONE)
    browser.evaluate("document.querySelector('#find').focus()")
    browser.type("H1")
    browser.wait("document.querySelector('#found [role=option]')")
    box = browser.evaluate("document.querySelector('#found').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= PHONE[0]
    field = browser.evaluate("document.querySelector('#find').getBoundingClientRect().toJSON()")
    assert box["top"] >= field["bottom"]


@pytest.mark.long
def test_the_camera_stands_farther_where_the_window_is_narrow(browser, path):
    drawn = "document.querySelector('#plot').dataset.drawn"
    opened(browser, path, size=(1280, 800))
    browser.wait(drawn)
    wide = browser.evaluate(DISTANCE)
    opened(browser, path, size=PHONE)
    browser.wait(drawn)
    narrow = browser.evaluate(DISTANCE)
    assert narrow > 1.1 * wide
    assert browser.evaluate("View.state.camera") is None  # it is no view that the address must hold
    browser.send("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
    browser.wait(f"Math.abs({DISTANCE} - {wide}) < 0.01")
    assert browser.evaluate("View.state.camera") is None


def test_the_scale_of_energies_stays_in_sight_beside_two_glitches(browser, path):
    ids = "MapData.ids"
    opened(browser, path, size=(1280, 600))
    browser.evaluate(f"location.hash = new URLSearchParams({{ id: {ids}[0], with: {ids}[1] }})")
    browser.wait("document.querySelector('#compared-id')")
    assert browser.evaluate("(side => side.scrollHeight > side.clientHeight)(document.querySelector('#inspector'))")
    bar, side = (
        browser.evaluate(f"document.querySelector('{name}').getBoundingClientRect().toJSON()")
        for name in ("#energy-bar", "#inspector")
    )
    assert bar["bottom"] < side["bottom"]
