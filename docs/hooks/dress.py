"""What every page is given once it is HTML: labels of cells, a description, names that a screen reader needs."""

import re
from html import escape, unescape

LONG = 155
"""Letters of a description that searches show."""
SHORT = 40
"""Letters below which a paragraph describes nothing."""
LETTERS = {
    **{r"\alpha": "α", r"\beta": "β", r"\gamma": "γ", r"\delta": "δ", r"\eta": "η", r"\theta": "θ", r"\kappa": "κ"},
    **{r"\lambda": "λ", r"\mu": "μ", r"\rho": "ρ", r"\sigma": "σ", r"\varepsilon": "ε"},
    **{r"\sqrt": "√", r"\le": "≤", r"\ge": "≥", r"\infty": "∞", r"\cdot": "·", r"\,": " ", "_1": "₁", "_2": "₂"},
}
"""What formulas in the heads of tables are made of."""
TAGS = re.compile(r"<[^>]+>")
FORMULA = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]|\$\$.*?\$\$", re.DOTALL)


def labelled(html: str) -> str:
    r"""Tables whose cells say which column they are of, for cards on a phone.

    >>> labelled("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>")
    '<table><tr><th>a</th><th>b</th></tr><tr><td data-label="a">1</td><td data-label="b">2</td></tr></table>'
    """
    return re.sub(r"<table>.*?</table>", _cells, html, flags=re.DOTALL)


def _cells(found: re.Match[str]) -> str:
    heads = [_plain(head) for head in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", _header(found[0]), re.DOTALL)]
    head, *rows = re.split(r"(?=<tr[ >])", found[0])
    return "".join([head, *rows[:1], *(_named(row, heads) for row in rows[1:])])


def _header(table: str) -> str:
    return table.partition("<tr")[2].partition("</tr>")[0]


def _named(row: str, heads: list[str]) -> str:
    first, *cells = row.split("<td")
    named = (f'<td data-label="{escape(head)}"{cell}' for head, cell in zip(heads, cells, strict=False))
    return first + "".join(named) + "".join(f"<td{cell}" for cell in cells[len(heads) :])


def _plain(html: str) -> str:
    r"""Words without tags; short formulas as they are spoken of in figures.

    >>> _plain(r"friction <span>\(\gamma = (1-\beta_2)/\sqrt\eta\)</span>")
    'friction γ = (1-β₂)/√η'
    """
    text = unescape(TAGS.sub("", html))
    for tex, letter in LETTERS.items():
        text = text.replace(tex, letter)
    return " ".join(re.sub(r"\\[()]|\\[a-z]*|[{}$]", "", text).split())


def description(html: str) -> str:
    r"""Its heading and the first paragraph that says something, without a formula; empty for a page without words.

    >>> description("<h1>Escape<a>¶</a></h1><p>x</p><p>How long an optimizer stays in a minimum, by a formula.</p>")
    'Escape. How long an optimizer stays in a minimum, by a formula.'
    """
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    paragraphs = (_plain(p) for p in re.findall(r"<p>(.*?)</p>", html, re.DOTALL) if not FORMULA.search(p))
    parts = [_plain(heading[1]).rstrip("¶.") if heading else "", next((p for p in paragraphs if len(p) >= SHORT), "")]
    words = ". ".join(filter(None, parts))
    return words if len(words) <= LONG else words[:LONG].rsplit(" ", 1)[0] + " …"


def told(output: str) -> str:
    """Name the dialog of the search, which the theme leaves without a name; what heads nothing is no header."""
    role = 'data-md-component="search" role="dialog"'
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", output.replace(role, f'{role} aria-label="Search"'))
