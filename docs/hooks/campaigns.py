"""Campaigns on a GPU, from their committed records: a table and the curves."""

import json
from pathlib import Path
from typing import Any

from look import OF_RECORDS, svg
from matplotlib import rc_context
from matplotlib.figure import Figure
from tables import table, verdict

NONE = "No record of a campaign on a GPU is committed."
HEADER = (
    "optimizer",
    "η",
    "test error, last",
    "best",
    "train loss",
    "λ₁ of the Hessian",
    "trace",
    "noise/curvature along it",
    "mean inertia β₁",
)


def found(folder: Path) -> list[dict[str, Any]]:
    """Records of campaigns in a folder, each with the measurement of its network if there is one.

    Args:
        folder: Where `campaign-*.json` and `campaign-*.curvature.json` lie.
    """
    records = []
    for path in sorted(folder.glob("campaign-*.json")):
        if path.suffixes[-2:] == [".curvature", ".json"]:
            continue
        measured = path.with_suffix(".curvature.json")
        record = json.loads(path.read_text())
        record["curvature"] = json.loads(measured.read_text())["result"] if measured.exists() else None
        records.append(record)
    return records


def shown(folder: Path) -> str:
    """The table, with what all have in common above it."""
    records = found(folder)
    if not records:
        return NONE
    key, result = records[0]["key"], records[0]["result"]
    where = f"{key['device']}, torch {key['versions']['torch']}, commit {records[0]['commit'][:7]}"
    common = (
        f"{key['model']} ({result['parameters']} parameters), {key['data']}, {result['images']['train']} training and "
        f"{result['images']['test']} test images, {key['epochs']} epochs, batch {key['batch']}, {key['precision']}; "
        f"{where}. One run each, so that no difference of a few tenths of a percent is shown to be one."
    )
    return f"{common}\n\n{table(HEADER, map(_row, records))}\n\n![Test error against the epoch](campaigns.svg)"


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    key, result, seen = record["key"], record["result"], record["curvature"]
    last = result["epochs"][-1]
    inertia = f"{last['inertia']['mean']:.3f}" if "inertia" in last else ""
    curvature = ("not measured",) * 3
    if seen:
        noise = seen["noise over curvature"]
        ends = f"{noise['value'][0]:.3g} ({noise['low'][0]:.3g} … {noise['high'][0]:.3g})"
        curvature = (f"{seen['eigenvalues'][0]:.3g}", f"{seen['trace']:.3g} ± {seen['trace error']:.2g}", ends)
    errors = (f"{100 * result[which]['test error']:.2f}%" for which in ("last", "best"))
    return (key["optimizer"], f"{key['eta']:g}", *errors, f"{last['train loss']:.3g}", *curvature, inertia)


def beside(cpu: dict[str, Any], folder: Path) -> str:
    """Verdicts in real training on both devices.

    Args:
        cpu: The board.
        folder: Where the board of the GPU lies, and under evidence/ the records that it judges.
    """
    gpu = json.loads((folder / "board.json").read_text())
    record = json.loads(min((folder / "evidence").glob("*.json")).read_text())
    verdicts = {row["id"]: row["real"] for row in cpu["rows"]}
    judged = [row for row in gpu["rows"] if row["real"] in ("confirmed", "refuted", "undecided")]
    rows = [
        (
            f"[`{row['id']}`](claims/{row['id']}.md)",
            verdict(verdicts.get(row["id"], "not measured")),
            verdict(row["real"]),
        )
        for row in judged
    ]
    made = f"{record['key']['device']}, torch {record['key']['versions']['torch']}, commit {record['commit'][:7]}"
    head = f"Measured by an {made}, {gpu['tier']} tier; judged by the claims of commit {gpu['commit'][:7]}"
    return f"{head}.\n\n{table(('claim', 'on the CPU', 'on the GPU'), rows)}"


def figure(folder: Path) -> str:
    """Test error against the epoch, an SVG with deterministic bytes."""
    with rc_context(OF_RECORDS):
        drawn = Figure(figsize=(7, 3.6), layout="constrained")
        axes = drawn.subplots()
        for record in found(folder):
            errors = [100 * epoch["test error"] for epoch in record["result"]["epochs"]]
            axes.plot(range(1, len(errors) + 1), errors, label=record["key"]["optimizer"])
        axes.set(xlabel="epoch", ylabel="test error, %", yscale="log")
        axes.legend(frameon=False)
        return svg(drawn)
