"""Every page in a real browser, on a desk and on a phone, light and dark: nothing fails or shuts a reader out."""

import functools
import http.server
import os
import shutil
import threading
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from pygments.token import STANDARD_TYPES

from inertialab.theory import CLAIMS

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")

WIDTHS = (1400, 390)
SCHEMES = ("default", "slate")
ALL = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
ONCE = [(WIDTHS[0], SCHEMES[0]), (WIDTHS[1], SCHEMES[1])]
"""What a page is looked at in that has a sibling of its kind looked at in all: light on the desk, dark on the phone."""
EACH = 3
"""Pages of a kind, made by one function, that axe-core judges: it takes seconds a page."""
EVERY = bool(os.environ.get("INERTIALAB_EVERY_PAGE"))
"""Whether it judges all pages in all ways: `nox -s browse`."""
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """() => { const root = document.documentElement; return {
  wide: root.scrollWidth - root.clientWidth,
  formulas: root.querySelectorAll(".arithmatex").length,
  drawn: root.querySelectorAll(".katex").length,
  broken: [...root.querySelectorAll(".katex-error, .katex [style*=color]")].map((part) => part.textContent),
}; }"""
"""What KaTeX does not know it writes in a colour of its own."""
JUDGE = """async (tags) => {
  const asked = { resultTypes: ["violations"], runOnly: { type: "tag", values: tags },
    rules: { "target-size": { enabled: false } } };
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("axe-core has no answer")), 120000));
  const found = await Promise.race([axe.run({ include: ["html"], exclude: [".katex"] }, asked), late]);
  const formula = (node) => document.querySelector(node.target.join(" "))?.querySelector(".katex");
  return found.violations.flatMap((v) => v.nodes.filter((node) => v.id != "empty-table-header" || !formula(node)).map(
    (node) => [v.id, node.target.join(" "), node.failureSummary]));
}"""
"""Formulas are left out: their hundreds of parts have the colour of the text around them. So are the sizes of links,
of which the edge of a scrolled list cuts one."""
DRAWN = """() => new Promise(done => {
  requestAnimationFrame(() => requestAnimationFrame(done));
  setTimeout(done, 2000);
})"""
"""Until the page has heard of its new size, and has been drawn in it; a browser on a busy machine may never say so."""
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that keeps what it serves to itself."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM)


@pytest.fixture(scope="module")
def served(browser):
    """Opens a page of a folder of pages, with what fails there in `faults`."""
    servers = []

    def opened(folder, name, faults, **context):
        handler = functools.partial(Quiet, directory=folder)
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        page = browser.new_context(viewport={"width": WIDTHS[0], "height": 900}, **context).new_page()
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda request: faults.extend(not_loaded(request)))
        page.goto(f"http://127.0.0.1:{servers[-1].server_port}/{name}")
        return page

    yield opened
    for server in servers:
        server.shutdown()
        server.server_close()


def not_loaded(request):
    """What to say of a request that failed: nothing where the page was left before its answer came."""
    return [] if request.failure == "net::ERR_ABORTED" else [f"not loaded: {request.url}: {request.failure}"]


def axe():
    """The script of axe-core, from the package that carries it."""
    (folder,) = find_spec("axe_playwright_python").submodule_search_locations
    return Path(folder, "axe.min.js")


def looked_at(page, faults, ways=ALL, judged=ALL):
    """What is seen of an open page in each way: what failed, what is too wide; what axe-core says where it is asked."""
    page.add_style_tag(content=STILL)
    if judged:
        page.add_script_tag(path=axe())
    seen = []
    for width, scheme in ways:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("scheme => document.body.setAttribute('data-md-color-scheme', scheme)", scheme)
        page.evaluate(DRAWN)
        shut = page.evaluate(JUDGE, STANDARD) if (width, scheme) in judged else []
        seen.append({"width": width, "scheme": scheme, "faults": [*faults], "shut": shut, **page.evaluate(LOOK)})
    return seen


@pytest.fixture(scope="module")
def seen(site, served):
    """What was seen of every page, a line for each width."""
    pages = sorted(str(p.relative_to(site)) for p in site.rglob("*.html") if "source" not in p.parts)
    faults: list[str] = []
    page = served(site, pages[0], faults)
    start, found = page.url.removesuffix(pages[0]), []
    seen_of_kind = Counter[str]()
    for name in pages:
        faults.clear()
        page.goto(start + name)
        kind = str(Path(name).parent)
        nth = seen_of_kind[kind]
        # All ways of the first of a kind, one way or the other of the next by turns.
        ways, judged = (ONCE, [ONCE[nth % 2]]) if nth and not EVERY else (ALL, ALL)
        asked = judged if EVERY or kind == "." or nth < EACH else []
        found += [{"page": name, **line} for line in looked_at(page, faults, ways, asked)]
        seen_of_kind[kind] += 1
    return found


def test_every_page_was_looked_at_on_a_desk_and_on_a_phone(seen):
    assert len(seen) > 200
    assert {(page["width"], page["scheme"]) for page in seen} == set(ALL)


def test_no_page_has_an_error_or_a_part_that_is_not_loaded(seen):
    assert {page["page"]: page["faults"] for page in seen if page["faults"]} == {}


def test_no_page_is_wider_than_the_window(seen):
    assert {(page["page"], page["width"]): page["wide"] for page in seen if page["wide"] > 0} == {}


def test_every_formula_is_drawn(seen):
    assert {page["page"] for page in seen if page["broken"] or page["drawn"] < page["formulas"]} == set()


def test_no_page_shuts_a_reader_out(seen):
    """Of what axe-core can tell, level AA and its good practice."""
    assert {(page["page"], page["width"]): page["shut"] for page in seen if page["shut"]} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_word_of_code_is_too_faint(site, served, scheme):
    """Whatever pygments may call it: most kinds stand on few pages."""
    page = served(site, "reference/inertialab.theory.landscapes.html", [])
    page.add_style_tag(content=STILL)
    page.evaluate("scheme => document.body.setAttribute('data-md-color-scheme', scheme)", scheme)
    kinds = sorted(filter(None, STANDARD_TYPES.values()))
    line = " ".join(f'<span class="{kind}">word</span>' for kind in kinds)
    page.evaluate("line => document.querySelector('code.highlight').innerHTML = line", line)
    assert page.locator("code.highlight").first.locator("span").count() == len(kinds) > 50
    page.add_script_tag(path=axe())
    assert page.evaluate(JUDGE, STANDARD) == []


def test_the_board_is_filtered_from_the_keyboard(site, served):
    page = served(site, "index.html", [])
    rows = page.locator(".board tbody tr")
    assert rows.count() > 100
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.filter input')"):
            break
    page.keyboard.type("adai.escape-inertial")
    assert page.locator(".board tbody tr:visible").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.filter select')")


def test_on_a_phone_what_is_filtered_away_is_gone(site, served):
    page = served(site, "index.html", [])
    page.set_viewport_size({"width": WIDTHS[1], "height": 900})
    page.get_by_label("words").fill("adai.escape-inertial")
    assert page.locator(".board tbody tr:visible").count() == 1
    page.get_by_label("words").fill("")
    page.get_by_label("subject").select_option(index=1)
    chosen = page.locator(".board tbody tr:visible").count()
    assert 1 < chosen < len(CLAIMS) - 1
    assert page.locator(".filter [role=status]").inner_text() == f"{chosen} of {len(CLAIMS)} claims"
    page.get_by_label("subject").select_option("all")
    page.get_by_label("source").select_option("xie2022adaptive")
    mine = sum(claim.source.key == "xie2022adaptive" for claim in CLAIMS)
    assert page.locator(".board tbody tr:visible").count() == mine


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_symbol_tells_its_meaning_under_the_pointer_and_from_the_keyboard(site, served, scheme):
    page = served(site, "claims/sgd.escape.html", [])
    page.evaluate("scheme => document.body.setAttribute('data-md-color-scheme', scheme)", scheme)
    told = page.locator("#meaning")
    assert not told.is_visible()
    page.locator(".katex-display [data-symbol=Ha]").first.hover()
    assert told.inner_text().startswith("curvature at the minimum, along the escape direction; unit ")
    assert told.locator(".katex").count() == 1
    page.keyboard.press("Escape")
    assert not told.is_visible()
    page.locator(".symbol-line button").first.focus()
    page.keyboard.press("Tab")
    assert told.inner_text().startswith("barrier: loss at the saddle minus loss at the minimum; unit ")
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "meaning"
    page.add_script_tag(path=axe())
    assert page.evaluate(JUDGE, STANDARD) == []


def test_every_formula_of_a_claim_marks_its_symbols(site, served):
    """What is marked has a line in the table, and the left-hand side is always among it."""
    page = served(site, "claims/sgd.escape.html", [])
    start = page.url.removesuffix("sgd.escape.html")
    for subject in CLAIMS[::10]:
        page.goto(f"{start}{subject.id}.html")
        marked = set(
            page.locator(".katex-display [data-symbol]").evaluate_all("all => all.map(it => it.dataset.symbol)")
        )
        listed = set(page.locator("details.symbols td:nth-child(2)").all_text_contents())
        assert marked <= listed
        assert str(subject.lhs) in marked


@pytest.mark.parametrize(
    "address", ["claims/sgd.escape.html", "optimizers/adai.html", "benchmarks.html", "faults.html"]
)
def test_on_a_phone_tables_are_cards(site, served, address):
    page = served(site, address, [])
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
    cells = page.locator("td[data-label]:not(:first-child)")
    assert cells.count() > 5
    said = cells.evaluate_all(
        "all => all.filter(it => it.dataset.label).map(it => getComputedStyle(it, '::before').content)"
    )
    assert all(label not in ("none", '""') for label in said)
    wide = page.locator(".md-typeset__scrollwrap")
    assert not any(wide.evaluate_all("all => all.map(it => it.scrollWidth > it.clientWidth + 1)"))


@pytest.mark.parametrize(("address", "place"), [("guides/start.html", 0), ("claims/sgd.escape.html", -1)])
def test_code_and_citations_are_copied_from_the_keyboard(site, served, address, place):
    page = served(site, address, [], permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("button.md-code__button[data-md-type=copy]").nth(place)
    button.focus()
    assert button.evaluate("it => it.matches(':focus') && it.tabIndex >= 0")
    page.keyboard.press("Enter")
    code = page.locator("pre code").nth(place).inner_text()
    assert code.startswith("@") == (place == -1)
    page.wait_for_function("code => navigator.clipboard.readText().then((t) => t.trim() == code.trim())", arg=code)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("<script>throw Error('broken')</script>", "broken"),
        ("<img src='nowhere.png' alt='nothing'>", "404"),
        ("<script>console.error('said')</script>", "said"),
        ("<script src='http://127.0.0.1:9/'></script>", "not loaded"),
    ],
)
def test_the_watch_sees_what_fails(tmp_path, served, content, fault):
    (tmp_path / "page.html").write_text(f"<!doctype html><link rel='icon' href='data:,'><body>{content}")
    faults = []
    page = served(tmp_path, "page.html", faults)
    page.wait_for_load_state("networkidle")
    assert any(fault in told for told in faults)


def test_a_page_left_while_it_loads_has_no_fault(tmp_path, served):
    for name in "ab":
        (tmp_path / f"{name}.html").write_text("<!doctype html><link rel='icon' href='data:,'>")
    faults = []
    page = served(tmp_path, "a.html", faults)
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.route("**/never", lambda _: None)
    page.evaluate("() => { fetch('/never').catch(() => {}) }")
    page.goto(page.url.replace("a.html", "b.html"))
    page.wait_for_load_state("networkidle")
    assert len(failed) == 1
    assert faults == []


def test_the_watch_sees_what_is_too_wide_and_what_shuts_a_reader_out(tmp_path, served):
    poor = "<p style='color:#aaa;background:#fff'>pale</p><table><tr><th></th></tr><tr><td>1</td></tr></table>"
    body = f"<h1>Wide</h1><div style='width:700px'>wide</div>{poor}"
    (tmp_path / "page.html").write_text(f"<!doctype html><html lang=en><title>t</title><body><main>{body}</main>")
    desk, _, phone, _ = looked_at(served(tmp_path, "page.html", []), [])
    assert desk["wide"] == 0
    assert phone["wide"] > 300
    assert {"color-contrast", "empty-table-header"} <= {rule for rule, *_ in desk["shut"]}
