"""Error against labels on real data, from the committed records of `arbal`: a table and the curves."""

import json
from pathlib import Path
from typing import Any

from look import OF_RECORDS, svg
from matplotlib import rc_context
from matplotlib.figure import Figure
from tables import table

from inertialab.experiments.arbal.command import beside, curves

NONE = "No record of this is committed; make one by `python -m inertialab.experiments arbal --out results/arbal`."
HEADER = ("data", "rows streamed", "labels", "regions", "asked for", "minus IWAL", "minus margin", "minus forest")
LABELS = 400
"""Labels at which errors are compared, or the most that a stream gives."""


def found(folder: Path) -> list[dict[str, Any]]:
    """Complete records of the command in a folder, by name."""
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [record for record in records if record.get("key", {}).get("command") == "arbal" and "result" in record]


def shown(folder: Path) -> str:
    """The table, with what all records have in common above it, and the figure."""
    records = found(folder)
    if not records:
        return NONE
    key = records[0]["key"]
    common = (
        f"{key['shuffles']} shuffles from seed {key['seed']}, at most {key['regions']} regions, gain {key['gain']}, "
        f"factor {key['split_slack']} of the slack of splits, scikit-learn {key['versions']['scikit-learn']}. Errors "
        "of ARBAL minus those of another way at as many labels, in points on held-out rows, with 95% intervals over "
        "shuffles; below 0 ARBAL errs less. The forest takes every row as it comes. Asked for: share of the rows by "
        "the end of the stream."
    )
    return f"{common}\n\n{table(HEADER, map(_row, records))}\n\n![Error against labels](arbal.svg)"


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    result = record["result"]
    at = max(b for b in result["budgets"] if b <= LABELS)
    ours = [end for end in result["ends"] if end["method"] == "ARBAL"]
    regions = sum(end["regions"] for end in ours) / len(ours)
    share = sum(end["labels"] / end["rounds"] for end in ours) / len(ours)
    others = [beside(result, at, other=name) for name in ("IWAL", "margin", "forest, every row")]
    differences = (f"{mean:+.1f} ± {half:.1f}" for mean, half in others)
    return (record["key"]["title"], str(result["streamed"]), str(at), f"{regions:.1f}", f"{share:.0%}", *differences)


def figure(folder: Path) -> str:
    """Error against labels on every set, an SVG with deterministic bytes."""
    records = found(folder)
    with rc_context(OF_RECORDS):
        rows = -(-len(records) // 2)
        drawn = Figure(figsize=(8, 2.8 * rows), layout="constrained")
        panels = drawn.subplots(rows, 2, squeeze=False).ravel()
        for axes, record in zip(panels, records, strict=False):
            curves(axes, record["result"])
            axes.set(title=record["key"]["title"], xlabel="labels", ylabel="error, %")
        for axes in panels[len(records) :]:
            axes.set_axis_off()
        panels[0].legend(frameon=False, fontsize="small")
        return svg(drawn)
