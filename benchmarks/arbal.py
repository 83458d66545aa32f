"""A stream of labels asked for, beside public tools: time of the whole stream, and error at its end.

Peers are optional: `pip install vowpalwabbit scikit-activeml`. vowpalwabbit is compiled and asks by importance weights
(`--active --simulation`); scikit-activeml asks by uncertainty against a budget and learns anew after each label, as it
is meant to be used. Neither cuts the space; errors say what the time bought.
"""

import platform
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from inertialab.experiments import store
from inertialab.experiments.arbal import ARBAL
from inertialab.experiments.arbal.sets import SETS, Stream, shuffled

RESULT = Path(__file__).parents[1] / "results" / "bench" / "arbal.json"
REPEATS = 5
Classes = Callable[[np.ndarray], np.ndarray]


def boxes(stream: Stream, seed: int) -> Classes:
    """Ours, with boxes."""
    return ARBAL(split_slack=0.1, refit=True, random_state=seed).fit(stream.X, stream.y).predict


def one_box(stream: Stream, seed: int) -> Classes:
    """Ours, as IWAL."""
    return ARBAL(regions=1, refit=True, random_state=seed).fit(stream.X, stream.y).predict


def vowpal(stream: Stream, seed: int) -> Classes:
    """Importance-weighted requests of vowpalwabbit."""
    pyvw: Any = import_module("vowpalwabbit.pyvw")
    vw = pyvw.Workspace(f"--active --simulation --mellowness 0.1 --binary --random_seed {seed} --quiet")

    def line(x: np.ndarray) -> str:
        return "| " + " ".join(f"f{j}:{value:.6f}" for j, value in enumerate(x))

    for x, label in zip(stream.X, stream.y, strict=True):
        vw.learn(f"{2 * label - 1} {line(x)}")
    return lambda X: np.array([vw.predict(line(x)) > 0 for x in X]).astype(int)


def uncertain(stream: Stream, seed: int) -> Classes:
    """Uncertainty sampling of scikit-activeml, with a budget of a half."""
    strategies: Any = import_module("skactiveml.stream")
    classifiers: Any = import_module("skactiveml.classifier")
    model = classifiers.SklearnClassifier(LogisticRegression(), classes=[0, 1], random_state=seed)
    ask = strategies.VariableUncertainty(budget=0.5, random_state=seed)
    rows, labels = list(stream.X[:50]), stream.y[:50].tolist()
    model.fit(np.array(rows), np.array(labels))
    for x, label in zip(stream.X[50:], stream.y[50:], strict=True):
        wanted = ask.query(candidates=x[None], clf=model)
        ask.update(candidates=x[None], queried_indices=wanted)
        if len(wanted):
            rows.append(x)
            labels.append(label)
            model.fit(np.array(rows), np.array(labels))
    return model.predict


PEERS = {"vowpalwabbit": vowpal, "scikit-activeml": uncertain}


def timed(way: Callable[[Stream, int], Classes], stream: Stream, seed: int) -> tuple[float, float]:
    """Seconds of a stream and of a first prediction, and the error afterwards."""
    began = time.perf_counter()
    classes = way(stream, seed)
    classes(stream.X_test[:1])
    taken = time.perf_counter() - began
    return taken, float(np.mean(classes(stream.X_test) != stream.y_test))


def row(name: str, subject: str, peer: str, runs: list[list[tuple[float, float]]]) -> dict[str, object]:
    """One line of the record, from pairs of runs of ours and theirs."""
    ratios = [theirs[0] / ours[0] for ours, theirs in runs]
    low, middle, high = np.percentile(ratios, (10, 50, 90)).round(3).tolist()
    ours, theirs = (float(np.mean([pair[i][1] for pair in runs])) for i in (0, 1))
    case = f"{name}, one stream (error {ours:.1%}, peer {theirs:.1%})"
    return {"case": case, "subject": subject, "peer": peer, "ratio": middle, "low": low, "high": high, "n": len(runs)}


def main() -> None:
    """Measure beside every peer that is installed; says which are not."""
    rows: list[dict[str, object]] = []
    for peer, way in PEERS.items():
        for name in ("digits-odd", "breast-cancer"):
            streams = [shuffled(*SETS[name].read(), seed) for seed in range(REPEATS)]
            try:
                for subject, ours in (("ARBAL", boxes), ("ARBAL, one region", one_box)):
                    runs = [[timed(w, s, i) for w in (ours, way)] for i, s in enumerate(streams)]
                    rows.append(row(name, subject, peer, runs))
                    print(*rows[-1].values())
            except ImportError as error:
                print(f"{peer} is left out ({error}); pip install {peer} to have it beside ours.", file=sys.stderr)
                break
    if not rows:
        sys.exit("No peer is installed, so that nothing was compared.")
    machine = f"{platform.machine()}, Python {platform.python_version()}, one thread"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows})


if __name__ == "__main__":
    main()
