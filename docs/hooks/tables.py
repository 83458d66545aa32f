"""Tables of the site: the board, the claims, the notation, the references, the evidence of real training."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sympy as sp
from pybtex.database import parse_file
from pybtex.plugin import find_plugin

from inertialab.theory import CLAIMS, Claim
from inertialab.theory import claim as named
from inertialab.theory.notation import NOTATION, Quantity, latex
from inertialab.theory.statement import Source
from inertialab.verification.court.board import COLUMNS
from inertialab.verification.court.errors import ABOUT_EXACT

ROOT = Path(__file__).parents[2]
LIBRARY = parse_file(str(ROOT / "references.bib"), "bibtex")
STYLE = find_plugin("pybtex.style.formatting", "plain")()
PRODUCT = re.compile(r"(?<![\w<>/])(?:[A-ZΑ-Ωα-ω](?:_[a-z0-9])?|[a-z]_[a-z0-9])+(?!\w)")
"""Letters side by side, of which some have an index of one sign."""
BACKEND = find_plugin("pybtex.backends", "markdown")()


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    head = list(header)
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(str(cell)) for cell in row)} |" for row in rows)]) + "\n"


def folded(summary: str, content: str, kind: str = "") -> str:
    """What is shown when it is asked for.

    Args:
        summary: What it is.
        content: Markdown.
        kind: Class by which scripts and styles find it.
    """
    of_kind = f' class="{kind}"' if kind else ""
    return f"<details{of_kind} markdown>\n<summary>{summary}</summary>\n\n{content}\n</details>\n"


def _cell(text: str) -> str:
    """A cell whose bars do not end it: those of formulas by their name, others escaped."""
    return "".join(
        part.replace(r"\|", r"\Vert ").replace("|", r"\vert ") if part.startswith(r"\(") else part.replace("|", r"\|")
        for part in re.split(r"(\\\(.*?\\\))", text)
    )


def ratio(check: Mapping[str, Any], which: str = "measured") -> float:
    """What was measured, or an end of its interval, over what was predicted; 1 where they agree."""
    return 1 + (check[which] - check["predicted"]) / check["scale"]


def layers(row: Mapping[str, Any]) -> str:
    """The layers in which a row of the board was measured, in words."""
    return " and ".join(dict.fromkeys(check["layer"] for check in row["checks"]))


def prose(text: str) -> str:
    r"""Plain text with its formulas made readable: powers, indices, and nothing taken for emphasis; `code` as it is.

    >>> prose("ηH_b e^{-x} * 2")
    'ηH<sub>b</sub> exp(-x) \\* 2'
    >>> prose("x^{-α}, T^(2/3) and |h|^α, Δ_a, but `a_b*c`")
    'x<sup>-α</sup>, T<sup>2/3</sup> and |h|<sup>α</sup>, Δ<sub>a</sub>, but `a_b*c`'
    >>> prose("exp(2*eta*|h|*T), (1 - beta2)*(K - 1) << 1, sqrt(B*h), 2*decay")
    'exp(2η|h|T), (1 - β₂)(K - 1) ≪ 1, √(Bh), 2\\*decay'
    >>> prose("R_q^-⅖")
    'R<sub>q</sub><sup>-⅖</sup>'
    >>> prose("√(BH_b) and c_kξ_k, but har_fit")
    '√(BH<sub>b</sub>) and c<sub>k</sub>ξ<sub>k</sub>, but har_fit'
    """
    return "".join(part if part.startswith("`") else _readable(part) for part in re.split("(`[^`]*`)", text))


def _readable(text: str) -> str:
    text = re.sub(rf"\b({'|'.join(LETTERS)})\b", lambda found: LETTERS[found[0]], text.replace("sqrt(", "√("))
    text = re.sub(r"(?<=[\w)|])(?<![A-Za-z]{2})\*(?![A-Za-z]{2})(?=[\w(|√])", "", text)
    text = re.sub(r"\be\^\{([^{}]*)\}", r"exp(\1)", text)
    text = re.sub(r"\^(?:\{([^{}]*)\}|\(([^()]*)\)|(-?\w+))", r"<sup>\1\2\3</sup>", text)
    text = PRODUCT.sub(lambda found: re.sub(r"_(.)", r"<sub>\1</sub>", found[0]), text)
    text = re.sub(r"(?<![A-Za-z0-9_])([A-Za-zΑ-Ωα-ω])_([A-Za-z0-9]+)\b", r"\1<sub>\2</sub>", text)
    return text.replace("*", r"\*").replace("<<", "≪")


def stands(claim: Claim, relation: str) -> str:
    """How a published formula stands to the derived one, the small quantity in which they part as a formula."""
    words, parts, _ = relation.rpartition(" in ")
    return f"{words} in \\({latex(claim.order.parameter)}\\)" if parts and claim.order else relation


LETTERS = {"eta": "η", "beta2": "β₂", "beta": "β", "kappa": "κ", "gamma": "γ", "theta": "θ", "v_hat": "v̂"}
"""Names of arguments in sentences that Python says as well."""


def title(claim: Claim) -> str:
    """What a claim says, in words."""
    return prose(claim.title.rstrip("."))


def unchecked(source: Source) -> str:
    """What follows the name of a publication whose wording was not compared."""
    return "" if source.wording_checked or not source.key else ", wording not checked"


def verdict(word: str) -> str:
    """A verdict with its colour."""
    word = "–" if word == "not applicable" else word
    known = word if word in ("confirmed", "proven", "refuted", "contradicts", "undecided") else "none"
    return f'<span class="verdict-{known}">{word}</span>'


def errors(rows: Sequence[Mapping[str, Any]]) -> str:
    """The tests of the standard errors; empty without any."""
    if not rows:
        return ""
    header = ("repeated measurement", "scatter / claimed error", "interval", "margin", "seeds or points", "verdict")
    cells = [
        (
            f"`{row['study']}`" if row["study"] != ABOUT_EXACT else row["study"],
            f"{row['ratio']:.3f}",
            f"{row['low']:.3f} … {row['high']:.3f}",
            f"{row['margin']:g}",
            row["n"],
            verdict(row["verdict"]),
        )
        for row in rows
    ]
    return f"## Errors on trial\n\nAre standard errors what they say?\n\n{table(header, cells)}"


def claim_index(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """All claims with their statements."""
    entries = []
    for claim in CLAIMS:
        row = rows.get(claim.id)
        marks = [verdict(row[layer] if row else "not measured") for layer in COLUMNS]
        statement = f"\\({latex(claim.lhs)} = {latex(claim.rhs)}\\)"
        entries.append((f"[{prose(claim.title)}]({claim.id}.md)<br>`{claim.id}`", statement, *marks))
    return f"# Claims\n\n{table(('claim', 'statement', *COLUMNS), entries)}"


def notation() -> str:
    """Every symbol, from the table the claims are written in."""
    text = "Units are written with a unit of parameters \\(\\theta\\) and a unit of loss \\(L\\); 1 is dimensionless."
    return f"# Notation\n\n{text}\n\n{meanings(NOTATION.values())}"


def meanings(quantities: Iterable[Quantity]) -> str:
    """A table of symbols."""
    rows = [(f"\\({q.latex}\\)", f"`{q.symbol}`", q.meaning, f"\\({_unit(q.dimension)}\\)") for q in quantities]
    return table(("symbol", "name", "meaning", "unit"), rows)


def _unit(dimension: tuple[Any, Any]) -> str:
    powers = [
        f"{base}^{{{latex(sp.sympify(p))}}}" if p != 1 else base
        for base, p in zip((r"\theta", "L"), dimension, strict=True)
        if p
    ]
    return r"\,".join(powers) or "1"


def references() -> str:
    """references.bib, formatted, each with a link to the publication and to the claims that rest on it."""
    lines = []
    for key in LIBRARY.entries:
        claims = [f"[`{c.id}`](claims/{c.id}.md)" for c in CLAIMS if c.source.key == key]
        used = f" [What became of it](papers/{key}.md). Claims: {', '.join(claims)}." if claims else ""
        entry = linked_entry(key)
        lines.append((entry, f'- <a id="{key}"></a>`{key}`: {entry}{used}'))
    return "# References\n\n" + "\n".join(line for _, line in sorted(lines)) + "\n"


def linked_entry(key: str) -> str:
    """One entry of references.bib, formatted, with links to what can be read."""
    (entry,) = STYLE.format_bibliography(LIBRARY, [key])
    # The backend escapes signs; an escaped round bracket would begin a formula.
    return linked(re.sub(r"\\([().-])", r"\1", entry.text.render(BACKEND)))


def linked(text: str) -> str:
    """A reference whose arXiv number or DOI is a link."""
    text = re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)
    return re.sub(r"(?<!/)\b(10\.\d{4,}/\S+?)(?=[.,]?(\s|$))", r"[doi:\1](https://doi.org/\1)", text)


def real_training(evidence: Mapping[str, Any]) -> str:
    """Curvature and noise measured at each minimum, with the calibration by an independent instrument."""
    parts = [
        "# Real training\n",
        "Each network is brought to a minimum in float64. Its top Hessian eigenpairs come from Hessian-vector "
        "products, the covariance \\(C\\) of the minibatch gradient from per-sample gradients; chains then start at "
        "the minimum, and their spread is compared with the claims fed with these two measurements. Nothing is fitted. "
        "\\(B\\,C_i/h_i\\) would be 1 if the gradient noise were the Hessian divided by the batch size.\n",
    ]
    for name, record in evidence.items():
        facts = record["result"]["facts"]
        if "lambda" in facts:
            parts.append(_minimum(name, record["key"]["config"], facts))
    return "\n".join(parts)


def benchmarks(benches: Mapping[str, Any]) -> str:
    """Speed beside public tools, and what is no time in a table of its own."""
    text = (
        "Ratio of the peer's time to ours, paired in one process: above 1 we are faster. Beside a time that was aimed "
        "at it is that over ours."
    )
    parts = [f"# Benchmarks\n\n{text}\n"]
    for name, bench in benches.items():
        times = [row for row in bench["rows"] if row["peer"] != EXACT]
        errors = [row for row in bench["rows"] if row["peer"] == EXACT]
        parts.append(f"## {name}\n\n{_compared(times, 'ratio, median')}")
        if errors:
            parts.append(f"No time, but the relative error itself:\n\n{_compared(errors, 'error, median')}")
        parts.append(f"*{bench['machine']}, commit `{bench['commit'][:10]}`.*\n")
    return "\n".join(parts)


EXACT = "exact trace"
"""The peer of rows that hold errors."""


def _compared(rows: Iterable[Mapping[str, Any]], middle: str) -> str:
    cells = [
        (r["case"], r["subject"], r["peer"], f"{r['ratio']:g}", f"{r['low']:g} … {r['high']:g}", r["n"]) for r in rows
    ]
    return table(("case", "ours", "peer", middle, "10th … 90th percentile", "runs"), cells)


def calibration(record: Mapping[str, Any]) -> str:
    """Who measured what on the same networks, how far apart they are, and what it cost."""
    rows = [
        (
            f"{r['model']}, {r['parameters']} parameters",
            r["quantity"],
            f"{r['ours']:.8g}",
            r["instrument"],
            f"{r['theirs']:.8g}",
            f"{r['difference']:.1e}",
            f"{r['tolerance']:.1e}",
            "yes" if r["agree"] else "**no**",
            f"{r['seconds']:.2g} / {r['their seconds']:.2g}",
        )
        for r in record["result"]["rows"]
    ]
    header = ("network", "quantity", "ours", "instrument", "theirs", "difference", "allowed", "agree", "seconds")
    versions = ", ".join(f"{k} {v}" for k, v in record["key"]["versions"].items())
    dirty = " (dirty)" if record["dirty"] else ""
    return f"{table(header, rows)}\n*commit `{record['commit'][:10]}`{dirty}; {versions}.*\n"


def escape(content: Mapping[str, Any]) -> str:
    """Escape times found in different ways."""
    rows = [
        (
            r["case"],
            r["way"],
            f"{r['exact']:.6g}",
            f"{r['ratio']:.4f}",
            f"{r['low']:.4f} … {r['high']:.4f}",
            r["seconds"],
        )
        for r in content["rows"]
    ]
    header = ("case", "way", "exact steps", "found / exact", "interval", "seconds")
    return f"{table(header, rows)}\n*Commit `{content['commit'][:10]}`.*\n"


def turnover(content: Mapping[str, Any]) -> str:
    """Escape rates of heavy ball from strong to weak friction, and what the claim on any friction says."""
    rows = [
        (
            f"{r['beta']:g}",
            f"{r['friction']:.3g}",
            f"{r['ratio']:.3f}",
            f"{r['low']:.3f} … {r['high']:.3f}",
            f"{_any_friction(r['friction']):.3f}",
        )
        for r in content["turnover"]
    ]
    header = (
        r"\(\beta\)",
        r"friction \((1-\beta)/\sqrt\eta\)",
        "rate / Kramers–Langer",
        "interval",
        "Mel'nikov–Meshkov",
    )
    return table(header, rows)


def _any_friction(gamma: float) -> float:
    """Rate over that of Kramers and Langer, by the claim, in the double well of the page at barrier 5; inertia 1."""
    height, orbit = 0.25, 8 * 0.25**0.5 / 3
    well = {"D": height / 5 * gamma, "gamma": gamma, "M": 1.0, "Ha": 2.0, "Hb": 1.0, "dL": height}
    time = named("momentum.turnover").evaluate(**well, action=orbit, action_beyond=orbit)
    return float(named("momentum.escape").evaluate(**well) / time)


def _minimum(name: str, config: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    head = (
        f"## {name}\n\n{config['model']} on {config['data']}, {facts['parameters']} parameters, "
        f"L2 penalty {config['l2']:g}, loss {facts['loss']:.4f}, gradient norm {facts['gradient norm']:.1e}; "
        f"{config['optimizer']}, batch {config['batch']}, {config['chains']} chains.\n"
    )
    rows = [
        (i + 1, f"{h:.5g}", f"{r:.1e}", f"{ratio:.3f}")
        for i, (h, r, ratio) in enumerate(zip(facts["lambda"], facts["residuals"], facts["B*C/H"], strict=True))
    ]
    calibration = facts["calibration"]
    theirs = calibration["pyhessian"]
    compared = f"PyHessian finds {theirs:.6g} for the first" if theirs else calibration["reason"]
    header = ("direction", r"\(h_i\)", "residual", r"\(B\,C_i/h_i\)")
    return f"{head}\n{table(header, rows)}\n{compared}.\n"
