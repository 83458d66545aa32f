"""A page for every optimizer: equations, settings, conventions, sources, and where publication and codes part."""

import inspect
from collections.abc import Mapping
from typing import Any

from tables import table, title, verdict

from inertialab.optim import OPTIMIZERS, OptimizerRow
from inertialab.theory import CLAIMS
from inertialab.theory.dynamics import MAPS, UpdateMap
from inertialab.theory.notation import NOTATION, latex
from inertialab.verification.court.board import LAYERS

FAMILIES = {
    "heavy-ball": ("heavy-ball", "momentum"),
    "momentum-ema": ("momentum",),
    "momentum-torch": ("momentum",),
    "cprop-sgd": ("cprop",),
    "adamw": ("adamw", "adam"),
    "amsgrad": ("adam",),
}
"""How the ids of claims on an optimizer begin, where not by its own name."""
LOADS = {
    "adai": "its own; that of the authors' Adai, whose decay stays decoupled where it was. That of `pytorch_optimizer` "
    "keeps the step elsewhere and is refused",
    "radam": "its own; that of `torch.optim.RAdam`; that of the authors' code, whose decay stays decoupled",
    "adashift": "its own, also with the window of gradients in one tensor",
    "cprop": "its own, with that of the wrapped optimizer in it or apart",
}
"""States that go on in our classes, by module; each is a test of loading. Others are PyTorch's classes."""


def index() -> str:
    """All rows of OPTIMIZERS."""
    rows = [(f"[{r.name}]({r.name}.md)", _what(r), r.momentum or "–", f"`{r.runs}`") for r in OPTIMIZERS.values()]
    text = (
        "Every optimizer is a row of one table: a constructor under the names of the [notation](../notation.md), and a "
        "symbolic map that claims are derived from. One test holds each map against fifty steps of the PyTorch code."
    )
    return f"# Optimizers\n\n{text}\n\n{table(('name', 'rule', 'momentum', 'run by'), rows)}"


def page(row: OptimizerRow, rows: Mapping[str, Mapping[str, Any]], bench: Mapping[str, Any]) -> str:
    """The page of one optimizer.

    Args:
        row: Of the table.
        rows: Rows of the board by claim.
        bench: Record of the speed of optimizers.
    """
    facts = [("momentum", row.momentum or "none"), ("run by", f"`{row.runs}`")]
    facts.append(("how a step is carried out", ", ".join(f"`{p}`" for p in row.paths) or "tensor by tensor"))
    facts.append(("source", ", ".join(f"[`{s}`](../references.md#{s})" for s in row.sources) or "–"))
    facts.append(("state", LOADS.get(row.runs.split(".")[-2], "that of its PyTorch class")))
    if speed := _speed(row, bench):
        facts.append(("speed", f"{speed} [All cases](../benchmarks.md#optim)."))
    parts = [
        f"# {row.name}\n\n{_what(row)}\n",
        "The update of one coordinate, in the order in which it is executed: later lines see the new values.\n",
        _equations(MAPS[row.name]),
        table(("what", "how"), facts),
        f'## Settings\n\n`inertialab.optim.OPTIMIZERS["{row.name}"].make(params, {_signature(row)})`\n',
        table(("name", "symbol", "meaning", "default"), _settings(row)),
    ]
    if row.differences:
        parts.append("## Publication and codes\n\n" + "\n".join(f"- {sentence}" for sentence in row.differences) + "\n")
    parts.append(f"## What holds of it\n\n{_claims(row, rows)}")
    if row.runs.startswith("inertialab"):
        parts.append(f"## Class\n\n::: {row.runs}\n    options: {{ heading_level: 3 }}\n")
    return "\n".join(parts)


def _speed(row: OptimizerRow, bench: Mapping[str, Any]) -> str:
    """How fast it steps beside each peer, in the case that the record tells first; empty where none was measured."""
    subject = row.runs.split(".")[-1]
    mine = [r for r in bench["rows"] if r["subject"] == subject and r["case"] == bench["rows"][0]["case"]]
    told = ", ".join(f"{r['ratio']:.2g} ({r['low']:.2g} … {r['high']:.2g}) times as fast as {r['peer']}" for r in mine)
    return f"{mine[0]['case']}: {told}." if told else ""


def _claims(row: OptimizerRow, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Claims on it and its family, with their verdicts."""
    families = FAMILIES.get(row.name, (row.name,))
    lines = [
        (
            f"[{title(claim)}](../claims/{claim.id}.md)",
            *(verdict(rows[claim.id][court] if claim.id in rows else "not measured") for court in LAYERS),
        )
        for claim in CLAIMS
        if claim.id.split(".")[0] in families
    ]
    return table(("claim", *LAYERS), lines)


def _what(row: OptimizerRow) -> str:
    return (row.make.__doc__ or "").strip().splitlines()[0]


def _signature(row: OptimizerRow) -> str:
    return ", ".join(f"{name}=..." for name in ("eta", *row.settings))


def _settings(row: OptimizerRow) -> list[tuple[str, str, str, str]]:
    defaults = inspect.signature(row.make).parameters
    found = []
    for name in ("eta", *row.settings):
        default = defaults[name].default
        shown = "to be given" if default is inspect.Parameter.empty else f"{default:g}"
        found.append((f"`{name}`", f"\\({NOTATION[name].latex}\\)", NOTATION[name].meaning, shown))
    return found


def _equations(update: UpdateMap) -> str:
    lines = []
    for symbol, expression in update.assignments:
        lines.append(f"{latex(symbol)} &\\leftarrow {latex(expression)}")
        if update.mean and symbol == update.mean[0]:
            lines.append(f"{latex(update.mean[1])} &\\leftarrow \\text{{mean of }} {latex(symbol)}")
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n$$\n"
