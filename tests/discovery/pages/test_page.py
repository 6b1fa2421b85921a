"""Templates: what is escaped, what is not, and what stops."""

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from discovery.pages.page import PageShell, markup, rendered, unbroken
from embed.errors import InputError

EVIL = "</b><img src=x onerror='window.pwned = 1'>\"&"


def shell(**options):
    return PageShell(**{"title": "t", **options})


def page(**options):
    return rendered("pages/page.html", shell=shell(**options))


def test_every_value_of_a_template_is_escaped_and_shown_as_text():
    made = page(title=EVIL, cautions=[EVIL], command=EVIL, passport={EVIL: EVIL})
    assert "<img" not in made
    assert "&lt;/b&gt;&lt;img src=x onerror=&#39;window.pwned = 1&#39;&gt;&#34;&amp;" in made
    assert made.count("&lt;img") == 6  # title twice, caution, command, term and value


def test_what_no_page_can_hold_is_shown_escaped():
    assert r"a\x00b\ud800c\u202e" in page(title="a\x00b\ud800c\u202e")
    assert r"<b>a\x00b\u202e</b>" in markup("<b>{x}</b>", x="a\x00b\u202e")


def test_a_value_that_looks_like_a_place_stays_as_it_is():
    assert "<h1>{{ shell.command }} {% if %}</h1>" in page(title="{{ shell.command }} {% if %}", command="x")
    assert markup("{a} {b}", a="{b}", b="x") == "{b} x"


def test_a_name_that_is_not_given_stops_the_page():
    with pytest.raises(UndefinedError, match="'names' is undefined"):
        rendered("pages/legend.html", more=0)


def test_markup_is_not_escaped_again_and_numbers_are_formatted():
    assert markup("<g>{inside}{x:.1f}{n:,}</g>", inside=Markup("<b/>"), x=0.25, n=1000) == "<g><b/>0.21,000</g>"
    assert markup('<i title="{name}"/>', name=EVIL).count("<") == 1


@pytest.mark.parametrize("name", ["../secret", "..", ".", "", "a/b", "a\\b"])
def test_a_link_out_of_the_folder_is_refused(name):
    with pytest.raises(InputError, match="is not the name of a file in the report's folder"):
        shell(beside=[name])


def test_links_beside_are_quoted():
    assert '<a href="./a%20b%26%27.csv">a b&amp;&#39;.csv</a>' in page(beside=["a b&'.csv"])


def test_a_number_and_its_per_cent_sign_stay_on_one_line():
    assert unbroken("17 % (5.5 % to 20 %) of a %") == "17\xa0% (5.5\xa0% to 20\xa0%) of a %"
    assert markup("{id}", id="dust 5 %.png") == "dust 5 %.png"  # an id stays what it is


def test_what_stands_between_backticks_is_code():
    assert (
        unbroken("<b> by `discover onset --segments FILE`")
        == "&lt;b&gt; by <code>discover onset --segments FILE</code>"
    )
