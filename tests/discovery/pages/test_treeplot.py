"""The drawing of a tree: every bar where its figures put it."""

import re

from discovery.pages.treeplot import LINE, Limb, tree_svg

LIMBS = [
    Limb("0", "", 100, 0.0, 2.0),
    Limb("0.0", "0", 64, 2.0, 3.0),
    Limb("0.0.0", "0.0", 16, 3.0, 4.0),
    Limb("0.0.1", "0.0", 9, 3.0, 3.5),
    Limb("0.1", "0", 25, 2.0, 2.5),
]


def bars(svg):
    found = re.findall(r'<rect class="limb" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="1.5"><title>([\d.]+):', svg)  # fmt: skip
    return {name: tuple(map(float, numbers)) for *numbers, name in found}


def test_bars_are_as_long_as_they_persist_and_as_thick_as_they_are_large():
    drawn = bars(tree_svg(LIMBS, across="x", title="t"))
    assert list(drawn) == ["0", "0.0", "0.0.0", "0.0.1", "0.1"]
    unit = drawn["0"][2] / 2.0
    for limb in LIMBS:
        x, _, width, thick = drawn[limb.name]
        assert abs(x - drawn["0"][0] - unit * limb.low) < 0.2
        assert abs(width - unit * (limb.high - limb.low)) < 0.2
        assert thick == 2.0 * limb.size**0.5


def test_groups_without_parts_have_a_line_each_and_others_lie_amid_their_parts():
    drawn = bars(tree_svg(LIMBS, across="x", title="t"))
    middle = {name: y + thick / 2 for name, (_, y, _, thick) in drawn.items()}
    assert middle["0.0.1"] - middle["0.0.0"] == middle["0.1"] - middle["0.0.1"] == LINE
    assert middle["0.0"] == (middle["0.0.0"] + middle["0.0.1"]) / 2
    assert middle["0"] == (middle["0.0"] + middle["0.1"]) / 2


def test_names_are_text():
    svg = tree_svg([Limb("<b>", "", 5, 0.0, 0.0)], across="x", title="<i>")
    assert "<b>" not in svg
    assert "<i>" not in svg
    assert "&lt;b&gt; (5)" in svg
