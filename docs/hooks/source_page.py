"""The lines of the source that claims point to, as pages of the site; nothing is asked of another machine."""

import re
from collections.abc import Iterable
from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from inertialab.theory import CLAIMS
from inertialab.verification.where import ROOT, Place, places


def link(place: Place) -> str:
    """A place as a link from a page one folder down."""
    if place.role == "record":
        return f"[{place.file.rpartition('/')[2]}](../{address(place.file)})"
    return f"[{place.file.rpartition('/')[2]}:{place.line}](../{address(place.file)}#L-{place.line})"


def address(file: str) -> str:
    """Where a source file or a record lies on the site."""
    return f"evidence/{file.rpartition('/')[2]}" if file.endswith(".json") else f"source/{file.removesuffix('.py')}.md"


def files() -> list[str]:
    """Every file that a claim points to, relative to the checkout."""
    return sorted({place.file for claim in CLAIMS for place in places(claim.id)})


def page(file: str) -> str:
    """The head of a source file's page; its lines are put below when the page is made."""
    return f"---\nsearch: {{ exclude: true }}\n---\n\n# {_title(file)}\n"


def lines(file: str) -> str:
    """A source file as HTML with an anchor for each line.

    It is no Markdown: to look for Markdown in it would take longer than all other pages.
    """
    text = (ROOT / file).read_text(encoding="utf-8")
    formatter = HtmlFormatter(linenos="inline", lineanchors="L", anchorlinenos=True, wrapcode=True)
    return highlight(text, PythonLexer(), formatter)


def anchors(shown: str) -> set[str]:
    """The anchors of lines, that links to them are checked against."""
    return set(re.findall(r'id="(L-\d+)"', shown))


def _title(file: str) -> str:
    return escape(file.partition("/inertialab/")[2] or file)


def chosen(files: Iterable[str], ending: str) -> list[str]:
    """Those of some files that end so."""
    return [file for file in files if file.endswith(ending)]
