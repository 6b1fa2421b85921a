"""Counts of a confusion matrix can be read on every colour of their cells."""

import re

import numpy as np
import pytest

from discovery.evaluation.confusion import confusion_table

GROUNDS = {"light": (255, 255, 255), "dark": (20, 24, 29)}
COLOURS = {"hit": (0, 114, 178), "miss": (213, 94, 0)}


def luminance(colour):
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_count_can_be_read(scheme):
    count = 200
    seen = set()
    for right in range(0, count + 1, 2):
        page = str(confusion_table(np.array([[right, count - right], [0, count]]), ("Blip", "Whistle")))
        for kind, strong, share in re.findall(r'<td class="(hit|miss)( strong)?" style="--share:([\d.]+)"', page):
            part = 0.12 + 0.88 * float(share)
            cell = [
                part * own + (1 - part) * ground for own, ground in zip(COLOURS[kind], GROUNDS[scheme], strict=True)
            ]
            white = (kind == "hit" and bool(strong)) if scheme == "light" else not (kind == "miss" and strong)
            assert contrast(cell, (255, 255, 255) if white else (0, 0, 0)) >= 4.5, (kind, share)
            seen.add((kind, bool(strong)))
    assert len(seen) == 4
