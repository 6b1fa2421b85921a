"""One self-contained HTML page: text that cannot become markup, data that cannot close its script, no access to the network.

Three guards, each enough alone. Templates escape every value; data travel as ASCII JSON whose ``<``, ``>`` and ``&`` are
escapes, and the page's script shows them as text only; and a Content-Security-Policy allows only the page's own
scripts, known by their hashes, and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from embed.digits import counted
from embed.errors import InputError
from embed.study.nouns import nouns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

NOTHING = "\N{EN DASH}"
"""Shown instead of a missing value."""
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, the text-direction overrides that can make an id look like another, and lone surrogates, which no file can hold."""


_CODE = re.compile(r"`([^`]+)`")
_PERCENT = re.compile(r"(?<=\d) %")
"""A per cent sign and the space between it and its number."""


def showable(text: object) -> str:
    r"""Write any value as text that a page and a UTF-8 file can hold; unshowable characters become ``\xNN`` or ``\uNNNN``."""
    return _UNSHOWABLE.sub(lambda found: ascii(found.group())[1:-1], str(text))


def json_for_script(value: Any) -> Markup:  # noqa: ANN401 - any JSON value
    r"""Write JSON that may stand inside ``<script>``: pure ASCII (so no U+2028 either) and without ``<``, ``>``, ``&``."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped above


def base64_array(values: npt.NDArray[np.generic]) -> str:
    """Write an array's little-endian bytes, in C order, as base64: what a typed array in the browser reads back."""
    little = values.astype(values.dtype.newbyteorder("<"), order="C", copy=False)
    return base64.b64encode(little.tobytes()).decode("ascii")


def markup(source: str, /, **parts: object) -> Markup:
    """Fill the places of a piece of markup, as ``str.format`` does: text is escaped, markup is not escaped again.

    Parameters
    ----------
    source : str
        Markup written in the code, with places like ``{x:.1f}``.
    **parts
        Numbers, text or `Markup`.

    Examples
    --------
    >>> markup("<b>{name}</b>", name="<Blip>")
    Markup('<b>&lt;Blip&gt;</b>')
    """
    safe = {name: _finalised(part) if isinstance(part, str) else part for name, part in parts.items()}
    return Markup(source).format(**safe)  # noqa: S704 - the source is code, its parts are escaped


@dataclass(frozen=True)
class PageShell:
    """What surrounds the body of every page that is read from top to bottom.

    Attributes
    ----------
    title : str
    beside : sequence of str
        Names of files in the page's own folder to link to.
    cautions : sequence of str
        What the reader must know first.
    asked : mapping
        The settings: terms and values.
    command : str
        The command line that makes the page again.
    passport : mapping
        What it was made from: terms and values.

    Raises
    ------
    InputError
        When a name in `beside` is not a plain file name.
    """

    title: str
    beside: Sequence[str] = ()
    cautions: Sequence[str] = ()
    asked: Mapping[str, object] = field(default_factory=dict)
    command: str = ""
    passport: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.beside:
            if not name or name in {".", ".."} or "/" in name or "\\" in name:
                raise InputError(
                    f"{name!r} is not the name of a file in the report's folder: give names without a path"
                )


def rendered(template: str, /, **values: object) -> Markup:
    """Fill a template of this package; every value is escaped unless it is `Markup`.

    Parameters
    ----------
    template : str
        Path below the package, for instance ``labelaudit/audit.html``.
    **values
        What the template names; a name that it lacks raises `jinja2.UndefinedError`.
    """
    return Markup(_environment().get_template(template).render(values))  # noqa: S704 - autoescaped


def content_policy(scripts: Iterable[str], *, code_from_text: bool = False, own_pictures: bool = False) -> str:
    """Write the Content-Security-Policy of a page: nothing but these inline scripts, inline styles and embedded pictures.

    Parameters
    ----------
    scripts : iterable of str
        The exact text between each ``<script>`` and ``</script>``.
    code_from_text : bool
        Whether the scripts build functions from text (plotly's flat WebGL plots do).
    own_pictures : bool
        Whether pictures may also come from the server that sends the page.

    Returns
    -------
    str
        For ``<meta http-equiv="Content-Security-Policy" content="...">``.
    """
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
    evaluate = " 'unsafe-eval'" if code_from_text else ""
    pictures = "'self' " if own_pictures else ""
    return (
        f"default-src 'none'; script-src {allowed}{evaluate}; style-src 'unsafe-inline'; img-src {pictures}data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def asset(name: str) -> Markup:
    """Read a style sheet or script of this package by its path, for instance ``pages/report.css``."""
    return Markup((resources.files("discovery") / name).read_text(encoding="utf-8"))  # noqa: S704 - our own files


@cache
def _environment() -> Environment:
    """Return the environment of all templates: they are beside their modules, and an undefined name in them is an error."""
    environment = Environment(
        loader=PackageLoader("discovery", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalised,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"unbroken": unbroken, "words": words}
    environment.globals |= {
        "asset": asset,
        "content_policy": content_policy,
        "counted": counted,
        "nothing": NOTHING,
        "nouns_of": nouns_of,
    }
    return environment


def _finalised(value: object) -> str:
    """Prepare a value for a page: markup stays, everything else becomes showable text and is escaped."""
    return value if isinstance(value, Markup) else escape(showable(value))


def words(command: str) -> Markup:
    """Let a command break between its words alone: ``--`` at the end of a line is not the beginning of ``--seed``."""
    spans = (Markup('<span class="word">{}</span>').format(showable(word)) for word in command.split(" "))
    return Markup(" ").join(spans)


def unbroken(sentence: str) -> Markup:
    """Keep a number and its per cent sign on one line, and show what stands between backticks as code; for sentences alone, since data must stay what they are."""
    text = str(escape(showable(_PERCENT.sub("\N{NO-BREAK SPACE}%", sentence))))
    return Markup(_CODE.sub(r"<code>\1</code>", text))  # noqa: S704 - escaped above
