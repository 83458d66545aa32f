"""How long a newcomer waits for the first answer: imports, help, lists and wrong words, each in a fresh interpreter."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from inertialab.experiments import store

RESULT = Path(__file__).parents[1] / "results" / "bench" / "startup.json"
TURNS = 9
THEORY, VERIFICATION, EXPERIMENTS = (["-m", f"inertialab.{p}"] for p in ("theory", "verification", "experiments"))
CASES = {
    "import inertialab.theory": (["-c", "import inertialab.theory"], 1.5),
    "from inertialab.theory import claim": (["-c", "from inertialab.theory import claim"], 1.5),
    "import inertialab.optim": (["-c", "import inertialab.optim"], None),
    "theory --help": ([*THEORY, "--help"], 1.0),
    "theory list": ([*THEORY, "list"], 2.0),
    "theory show, a wrong name": ([*THEORY, "show", "sgd.stationary"], 1.0),
    "verification --help": ([*VERIFICATION, "--help"], 1.0),
    "verification, a wrong word": ([*VERIFICATION, "calibrat"], 1.0),
    "verification, a wrong option": ([*VERIFICATION, "--tire", "quick"], 1.0),
    "verification, a wrong claim": ([*VERIFICATION, "--only", "sgd.stationary"], 1.0),
    "experiments --help": ([*EXPERIMENTS, "--help"], 1.0),
    "experiments, a wrong row": ([*EXPERIMENTS, "escape", "--landscape", "double-wel", "--barrier", "5"], 1.0),
}
"""Arguments of the interpreter, and within how many seconds it should answer."""


def seconds(arguments: list[str], folder: str) -> float:
    """Time until the interpreter has answered and ended."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - began


def main() -> None:
    """Measure every case in turn, beside an interpreter that imports torch and nothing else."""
    peers = {"an interpreter that does nothing": ["-c", ""], "import torch": ["-c", "import torch"]}
    commands = {**peers, **{name: arguments for name, (arguments, _) in CASES.items()}}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(TURNS + 1):
            for name, arguments in commands.items():
                found = seconds(arguments, folder)
                if turn:  # the first fills the caches of the disk
                    taken[name].append(found)
    rows = [row(name, taken[name], taken["import torch"]) for name in commands]
    machine = f"{store.versions()['python']}, one process at a time"
    content = {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows}
    store.write_json(RESULT, content)
    print(json.dumps([{k: r[k] for k in ("case", "seconds", "bar")} for r in rows], indent=1))


def row(name: str, mine: list[float], torch: list[float]) -> dict[str, object]:
    """A row as other benchmarks have it, with the seconds themselves."""
    ratios = sorted(t / m for t, m in zip(torch, mine, strict=True))
    return {
        "case": name,
        "subject": f"{statistics.median(mine):.2f} s",
        "peer": "import torch",
        "seconds": round(statistics.median(mine), 3),
        "bar": CASES[name][1] if name in CASES else None,
        "ratio": round(statistics.median(ratios), 3),
        "low": round(ratios[len(ratios) // 10], 3),
        "high": round(ratios[-1 - len(ratios) // 10], 3),
        "n": len(mine),
    }


if __name__ == "__main__":
    main()
