"""Every page that has settings says its answer first, and folds them at the end."""

import pytest

from discovery.pages.page import asset

PAGES = [
    "candidates/report.html",
    "evaluation/evaluation.html",
    "evaluation/recursion.html",
    "generation/generator.html",
    "labelaudit/audit.html",
    "sensitivity/sensitivity.html",
]


@pytest.mark.parametrize("page", PAGES)
def test_settings_come_last_and_folded(page):
    text = asset(page)
    assert "Settings" not in text
    body = text.split("{% block body %}")[1].split("{% endblock %}")[0]
    assert body.rstrip().endswith("{{ settings(shell.asked) }}")
    assert body.count("<h2>") >= 1
    folded = asset("pages/parts.html").split("{% macro settings(asked) %}")[1].split("{% endmacro %}")[0]
    assert "<details><summary>" in folded
    assert "<details open" not in folded
