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


SETTINGS = ("gain", "split_slack", "cuts")
TOLD = 5
"""Candidates whose scores are shown."""


def settings(record: dict[str, Any]) -> str:
    """Which settings were chosen, on which shuffles, and the scores of the best candidates."""
    key, result = record["key"], record["result"]
    first, last = key["seeds"]
    candidates = sorted(result["candidates"], key=lambda row: row["score"])
    rows = [(*(f"{row['settings'][name]:g}" for name in SETTINGS), f"{row['score']:.3f}") for row in candidates[:TOLD]]
    chosen = ", ".join(f"{name} {result['chosen'][name]:g}" for name in SETTINGS)
    ends = [name for name in SETTINGS if result["chosen"][name] in (min(key["grid"][name]), max(key["grid"][name]))]
    edge = f" At an end of what was tried: {', '.join(ends)}." if ends else ""
    return (
        f"Chosen: {chosen}, out of {len(candidates)} on shuffles {first} to {last}, of which none is shown. "
        f"Score: error at {key['labels']} labels over that of IWAL, geometric mean over {len(key['sets'])} sets; the "
        f"best {TOLD}.{edge}\n\n"
        f"{table(('gain', 'factor of the slack', 'cuts', 'score'), rows)}"
    )


def beside_tools(record: dict[str, Any]) -> str:
    """Labels used and error of every way at the end of its curve, mean over shuffles, from the benchmark's record."""
    names, methods = (list(dict.fromkeys(row[what] for row in record["curves"])) for what in ("set", "method"))
    found = {(row["set"], row["method"]): [points[-1] for points in row["points"]] for row in record["curves"]}
    cells = [[_end(found[name, method]) if (name, method) in found else "" for method in methods] for name in names]
    return table(("data", *methods), [(name, *row) for name, row in zip(names, cells, strict=True)])


def _end(points: list[list[float]]) -> str:
    labels, error = (sum(column) / len(points) for column in zip(*points, strict=True))
    return f"{error:.1%} ({labels:.0f})"


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
