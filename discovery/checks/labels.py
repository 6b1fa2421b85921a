"""Whether the study has glitches of the labels that the options name."""

from collections.abc import Sequence

from embed.study.study import Study


def check_labels(study: Study, labels: Sequence[str]) -> None:
    """Refuse a given label that no glitch has; the study's labels are read once, however many are named.

    Raises
    ------
    InputError
        As `embed.study.study.Study.members`.
    """
    if not labels:
        return
    known = {label for _, label in study.latest_labels(predicted=False)}
    for label in labels:
        if label not in known:
            study.members(label)  # raises, and names the labels of the study
