"""Audits of a hundred labels in seconds: fewer plantings, and small pictures for volunteers."""

import pytest

import audit.review.spectrograms
import audit.verdict


@pytest.fixture(autouse=True, scope="module")
def _quick_audits():
    """As few planted labellings as a study of a thousand glitches gets; views that were not published are written without axes.

    How good a calibration is, and how such a view is drawn, is the business of tests/audit.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit.verdict, "MAX_PLANTINGS", audit.verdict.MIN_PLANTINGS)
        patch.setattr(
            audit.review.spectrograms, "draw_picture", lambda levels, *_: audit.review.spectrograms._png(levels)
        )
        yield
