"""One self-contained HTML page: text that cannot become markup, data that cannot close its script, no way to the network.

Three guards, each enough alone. Text written into markup is escaped; data travel as ASCII JSON whose ``<``, ``>`` and
``&`` are escapes, and the page's script puts them on screen as text only; and a Content-Security-Policy lets just the
page's own scripts run, known by their hashes, and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

_PLACE = re.compile(r"\{\{(\w+)\}\}")
#: Control characters, the text-direction overrides that can make an id look like another, and lone surrogates, which no file can hold.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def showable(text: object) -> str:
    r"""Write any value as text that a page and a UTF-8 file can hold; unshowable characters become ``\xNN`` or ``\uNNNN``."""
    return _UNSHOWABLE.sub(lambda found: ascii(found.group())[1:-1], str(text))


def escaped(text: object) -> str:
    """Escape any value for HTML text and for quoted attributes."""
    return html.escape(showable(text), quote=True)


def json_for_script(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    r"""Write JSON that may stand inside ``<script>``: pure ASCII (so no U+2028 either) and without ``<``, ``>``, ``&``."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def base64_array(values: npt.NDArray[np.generic]) -> str:
    """Write an array's little-endian bytes, in C order, as base64: what a typed array in the browser reads back."""
    little = values.astype(values.dtype.newbyteorder("<"), order="C", copy=False)
    return base64.b64encode(little.tobytes()).decode("ascii")


def filled(template: str, parts: Mapping[str, str]) -> str:
    """Fill ``{{name}}`` places in one pass, so that a part that itself looks like a place stays as it is.

    Parameters
    ----------
    template : str
    parts : mapping of str to str
        Markup, already escaped.

    Raises
    ------
    InputError
        If the template names a part that is not given.
    """

    def part(place: re.Match[str]) -> str:
        if place.group(1) not in parts:
            raise InputError(f"the page's template asks for {place.group()}, which is not among {sorted(parts)}")
        return parts[place.group(1)]

    return _PLACE.sub(part, template)


@dataclass(frozen=True)
class PageShell:
    """What stands around the body of every page that is read from top to bottom.

    Attributes
    ----------
    title : str
    beside : sequence of str
        Names of files in the page's own folder to link to.
    cautions : sequence of str
        What the reader must know first.
    asked : mapping
        Terms and values.
    command : str
        The command line that gives the page again.
    passport : mapping
        Terms and values of what it was made from.
    """

    title: str
    beside: Sequence[str] = ()
    cautions: Sequence[str] = ()
    asked: Mapping[str, object] = field(default_factory=dict)
    command: str = ""
    passport: Mapping[str, object] = field(default_factory=dict)


def render_page(
    template: str, parts: Mapping[str, str], frame: PageShell, *, lede: str, css: Sequence[str] = ()
) -> str:
    """Write a page: the frame around a body.

    Parameters
    ----------
    template : str
        The body's file in this package; its place ``{{asked}}`` is the frame's.
    parts : mapping of str to str
        Of the body; markup, already escaped.
    frame : PageShell
    lede : str
        The page in a sentence; markup, already escaped.
    css : sequence of str
        Style sheets after the common one.

    Raises
    ------
    InputError
        When a name beside is not a plain file name.
    """
    return filled(
        asset("pages/page.html"),
        {
            "policy": escaped(content_policy([])),
            "css": "\n".join([asset("pages/report.css"), *css]),
            "title": escaped(frame.title),
            "lede": lede,
            "beside": file_links(frame.beside),
            "cautions": caution_box(frame.cautions),
            "body": filled(asset(template), {**parts, "asked": term_list(frame.asked)}),
            "command": f"<pre>{escaped(frame.command)}</pre>" if frame.command else "",
            "passport": f"<dl>{term_list(frame.passport)}</dl>" if frame.passport else "",
        },
    )


def content_policy(scripts: Iterable[str], *, code_from_text: bool = False) -> str:
    """Write the Content-Security-Policy of a page: nothing but these inline scripts, inline styles and embedded pictures.

    Parameters
    ----------
    scripts : iterable of str
        The exact text between each ``<script>`` and ``</script>``.
    code_from_text : bool
        Whether the scripts build functions from text (plotly's flat WebGL plots do).

    Returns
    -------
    str
        For ``<meta http-equiv="Content-Security-Policy" content="...">``.
    """
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
    evaluate = " 'unsafe-eval'" if code_from_text else ""
    return (
        f"default-src 'none'; script-src {allowed}{evaluate}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def asset(name: str) -> str:
    """Read a template, style sheet or script by its path below this package, such as ``pages/page.html``."""
    return (resources.files("discovery") / name).read_text(encoding="utf-8")


def file_links(names: Sequence[str]) -> str:
    """Link to files that lie in the page's own folder.

    Raises
    ------
    InputError
        If a name is not a plain file name.
    """
    for name in names:
        if not name or name in {".", ".."} or "/" in name or "\\" in name:
            raise InputError(f"{name!r} is not the name of a file in the report's folder: give names without a path")
    links = " · ".join(f'<a href="{escaped("./" + quote(name))}">{escaped(name)}</a>' for name in names)
    return f'<p class="note">In this folder: {links}</p>' if names else ""


def caution_box(cautions: Sequence[str]) -> str:
    """List what the reader must know first."""
    if not cautions:
        return ""
    items = "".join(f"<li>{escaped(caution)}</li>" for caution in cautions)
    return f'<section class="cautions" aria-label="Read with care"><b>Read with care</b><ul>{items}</ul></section>'


def term_list(terms: Mapping[str, object]) -> str:
    """Write terms and their values as the inside of a ``<dl>``."""
    return "".join(f"<dt>{escaped(term)}</dt><dd>{escaped(value)}</dd>" for term, value in terms.items())
