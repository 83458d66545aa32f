"""The rooms of the package and who knows whom, drawn from the imports themselves."""

import io
from graphlib import TopologicalSorter
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from inertialab.experiments.sources import imported, location

ROOMS = {
    "inertialab.theory.claims": "claims",
    "inertialab.theory": "theory: symbols,\nmaps, landscapes",
    "inertialab.optim": "optim",
    "inertialab.experiments": "experiments",
    "inertialab.verification.measure": "measure",
    "inertialab.verification.studies": "studies",
    "inertialab.verification.court": "court",
    "inertialab.verification.docket": "docket",
    "inertialab.verification": "records, commands",
}
"""Packages and what they are called; a module belongs to the first that it lies in."""
LINKS = ("inertialab.theory.__main__",)
"""Modules that look upwards on purpose, where what stands above is installed: `theory where` asks verification."""


def graph() -> dict[str, set[str]]:
    """For each room, those that it imports from.

    Raises:
        graphlib.CycleError: If rooms import each other in a circle.
    """
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    for module in _modules():
        room = _room(module)
        found[room] |= {_room(other) for other in imported(module)} - {room}
    TopologicalSorter(found).prepare()
    return found


def _modules() -> list[str]:
    names = []
    for part in ("theory", "optim", "experiments", "verification"):
        home = location(f"inertialab.{part}")
        assert home is not None
        for file in home.parent.rglob("*.py"):
            if file.name != "__init__.py":
                inside = Path(part, *file.relative_to(home.parent).with_suffix("").parts)
                names.append(".".join(["inertialab", *inside.parts]))
    return sorted(set(names) - set(LINKS))


def _room(module: str) -> str:
    return next(room for room in ROOMS if module == room or module.startswith(f"{room}."))


def _heights(edges: dict[str, set[str]]) -> dict[str, int]:
    heights: dict[str, int] = {}
    for room in TopologicalSorter(edges).static_order():
        heights[room] = 1 + max((heights[other] for other in edges[room]), default=-1)
    return heights


def figure() -> str:
    """The graph as SVG: every arrow points down, from a room to one that it imports from."""
    edges = graph()
    heights = _heights(edges)
    places = {}
    for height in sorted(set(heights.values())):
        row = [room for room in ROOMS if heights[room] == height]
        for n, room in enumerate(row):
            places[room] = ((n - (len(row) - 1) / 2) * 2.6 + (0.5 if height % 2 else -0.5), height * 1.1)
    with matplotlib.rc_context({"svg.hashsalt": "rooms", "font.size": 9}):
        drawing = Figure(figsize=(7, 6), layout="constrained")
        axes = drawing.subplots()
        for room, below in edges.items():
            for other in sorted(below):  # a set has another order in every process
                arrow = {"arrowstyle": "->", "color": "0.55", "shrinkA": 14, "shrinkB": 16}
                axes.annotate("", places[other], places[room], arrowprops=arrow)
        for room, (x, y) in places.items():
            box = {"boxstyle": "round,pad=0.4", "fc": "#e3edf9", "ec": "#1565c0"}
            axes.text(x, y, ROOMS[room], ha="center", va="center", bbox=box)
        axes.set(xlim=(-4, 4), ylim=(-0.6, 1.1 * max(heights.values()) + 0.6))
        axes.axis("off")
        out = io.StringIO()
        drawing.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
