"""Labels asked for beside public tools, on the same streams: the error after so many labels, and the time until then.

Peers are optional: `pip install vowpalwabbit scikit-activeml`. vowpalwabbit is compiled and asks by importance weights
(`--active --simulation`). Of scikit-activeml there are two: margin sampling of a pool, which sees all rows at once and
asks for the ten it is least sure of, and uncertainty against a budget, which sees each row once as we do. None cuts the
space. Everybody's labels are counted, and everybody stops at the same number of them. Our settings are those that
`arbal_settings.py` chose on other shuffles; those of the peers are their defaults, or are named here.
"""

import platform
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from arbal_settings import EnoughError, Settings, chosen
from sklearn.linear_model import LogisticRegression

from inertialab.experiments import store
from inertialab.experiments.arbal import ARBAL
from inertialab.experiments.arbal.curve import EVERY
from inertialab.experiments.arbal.sets import SETS, Stream, shuffled

RESULT = Path(__file__).parents[1] / "results" / "bench" / "arbal.json"
REPEATS = 10
BUDGETS = (75, 100, 150, 200, 300, 400)
WARM = 50
"""First labels of the ways that need some; as many as ours."""
MELLOW, SHARE = 0.1, 0.5
"""Of vowpalwabbit, and of scikit-activeml's budget: what a stream of these lengths gives enough labels with."""
Classes = Callable[[np.ndarray], np.ndarray]


class Track:
    """Errors at the budgets, and what the way took between them.

    Args:
        stream: Rows.

    Attributes:
        points: Labels used and error on the held-out rows, one pair a budget; where the stream ends before, the end.
        seconds: Time of the way itself.
    """

    def __init__(self, stream: Stream):
        self.stream, self.points, self.seconds = stream, [], 0.0
        self.due = [b for b in BUDGETS if b < len(stream.y)]
        self.labels = 0
        self.began = time.perf_counter()

    def seen(self, labels: int, classes: Classes) -> bool:
        """Look at the error if a budget is spent; whether another is left."""
        self.labels = labels
        if self.due and labels >= self.due[0]:
            self.due.pop(0)
            self._look(classes)
        return bool(self.due)

    def ends(self, classes: Classes) -> "Track":
        """The stream is over."""
        if self.due:
            self._look(classes)
        return self

    def _look(self, classes: Classes) -> None:
        classes(self.stream.X_test[:1])  # a first prediction belongs to the way: ours fits then
        self.seconds += time.perf_counter() - self.began
        error = float(np.mean(classes(self.stream.X_test) != self.stream.y_test))
        self.points.append((self.labels, error))
        self.began = time.perf_counter()


def ours(settings: Settings, stream: Stream, seed: int) -> Track:
    """This project's learner."""
    track = Track(stream)
    model = ARBAL(**{"refit": True, "random_state": seed, **settings})

    def oracle(_: Any) -> Any:
        if model.n_labels_ >= WARM and not track.seen(model.n_labels_, model.predict):
            raise EnoughError
        return stream.y[model.n_rounds_ - 1]

    try:
        model.fit(stream.X, oracle, classes=(0, 1))
    except EnoughError:
        return track
    track.labels = model.n_labels_
    return track.ends(model.predict)


def vowpal(stream: Stream, seed: int) -> Track:
    """Importance-weighted requests of vowpalwabbit."""
    pyvw: Any = import_module("vowpalwabbit.pyvw")
    vw = pyvw.Workspace(f"--active --simulation --mellowness {MELLOW} --binary --random_seed {seed} --quiet")
    track, labels = Track(stream), 0

    def line(x: np.ndarray) -> str:
        return "| " + " ".join(f"f{j}:{value:.6f}" for j, value in enumerate(x))

    def classes(X: np.ndarray) -> np.ndarray:
        return np.array([vw.predict(line(x)) > 0 for x in X]).astype(int)

    for x, label in zip(stream.X, stream.y, strict=True):
        example = vw.example(f"{2 * label - 1} {line(x)}")
        vw.learn(example)
        labels += example.get_simplelabel_weight() > 0  # a label that it did not ask for weighs nothing
        vw.finish_example(example)
        if not track.seen(labels, classes):
            return track
    return track.ends(classes)


def _model(seed: int) -> Any:
    classifiers: Any = import_module("skactiveml.classifier")
    return classifiers.SklearnClassifier(LogisticRegression(max_iter=1000), classes=[0, 1], random_state=seed)


def pool(stream: Stream, seed: int) -> Track:
    """Margin sampling of scikit-activeml: ten rows of all at a time."""
    strategies: Any = import_module("skactiveml.pool")
    ask = strategies.UncertaintySampling(method="margin_sampling", random_state=seed)
    track, model = Track(stream), _model(seed)
    y = np.full(len(stream.y), np.nan)
    y[:WARM] = stream.y[:WARM]
    labels = WARM
    while track.due:
        number = min(EVERY, track.due[0] - labels)
        asked = ask.query(stream.X, y, model, batch_size=number)
        y[asked] = stream.y[asked]
        labels += len(asked)
        track.seen(labels, lambda X: model.fit(stream.X, y).predict(X))
    return track


def in_stream(stream: Stream, seed: int) -> Track:
    """Uncertainty sampling of scikit-activeml on a stream, learning anew after each label."""
    strategies: Any = import_module("skactiveml.stream")
    ask = strategies.VariableUncertainty(budget=SHARE, random_state=seed)
    track, model = Track(stream), _model(seed)
    rows, labels = list(stream.X[:WARM]), stream.y[:WARM].tolist()
    model.fit(np.array(rows), np.array(labels))
    for x, label in zip(stream.X[WARM:], stream.y[WARM:], strict=True):
        wanted = ask.query(candidates=x[None], clf=model)
        ask.update(candidates=x[None], queried_indices=wanted)
        if len(wanted):
            rows.append(x)
            labels.append(label)
            model.fit(np.array(rows), np.array(labels))
        if not track.seen(len(labels), model.predict):
            return track
    return track.ends(model.predict)


Way = Callable[[Stream, int], Track]
PEERS: dict[str, tuple[str, Way]] = {
    "vowpalwabbit": ("vowpalwabbit.pyvw", vowpal),
    "scikit-activeml, margin of a pool": ("skactiveml.pool", pool),
    "scikit-activeml, stream": ("skactiveml.stream", in_stream),
}


def curve(name: str, method: str, tracks: Sequence[Track]) -> dict[str, Any]:
    """What the record says of one way on one set: labels used and error, a list of pairs for each shuffle."""
    return {"set": name, "method": method, "points": [track.points for track in tracks]}


def row(name: str, subject: str, peer: str, mine: Sequence[Track], theirs: Sequence[Track]) -> dict[str, object]:
    """One line of the record: of the time, with the errors that it bought."""
    ratios = [b.seconds / a.seconds for a, b in zip(mine, theirs, strict=True)]
    low, middle, high = np.percentile(ratios, (10, 50, 90)).round(3).tolist()
    case = f"{name} ({_end(mine)}, peer {_end(theirs)})"
    return {"case": case, "subject": subject, "peer": peer, "ratio": middle, "low": low, "high": high, "n": len(mine)}


def _end(tracks: Sequence[Track]) -> str:
    """Mean labels and error where the ways ended."""
    labels, error = np.mean([track.points[-1] for track in tracks], axis=0)
    return f"{labels:.0f} labels: error {error:.1%}"


def runs(streams: Sequence[Stream], ways: dict[str, Way]) -> dict[str, list[Track]]:
    """Every way on every stream, stream by stream, so that those of one are timed side by side."""
    found: dict[str, list[Track]] = {what: [] for what in ways}
    for seed, stream in enumerate(streams):
        for what, way in ways.items():
            found[what].append(way(stream, seed))
    return found


def installed() -> dict[str, Way]:
    """The peers that are there; says which are not."""
    found = {}
    for peer, (module, way) in PEERS.items():
        try:
            import_module(module)
        except ImportError as error:
            print(f"{peer} is left out ({error}); pip install {peer.split(',')[0]} to have it.", file=sys.stderr)
        else:
            found[peer] = way
    return found


def main() -> None:
    """Measure beside every peer that is installed, on every set."""
    settings, peers = chosen(), installed()
    if not peers:
        sys.exit("No peer is installed, so that nothing was compared.")
    subjects = {"ARBAL": partial(ours, settings), "ARBAL, one region": partial(ours, {**settings, "regions": 1})}
    rows: list[dict[str, object]] = []
    curves: list[dict[str, Any]] = []
    for name, data in SETS.items():
        found = runs([shuffled(*data.read(), seed) for seed in range(REPEATS)], {**subjects, **peers})
        rows += [row(name, what, peer, found[what], found[peer]) for peer in peers for what in subjects]
        curves += [curve(name, method, tracks) for method, tracks in found.items()]
        print(name, *(f"{method}: {_end(tracks)}" for method, tracks in found.items()), sep="\n  ")
    machine = f"{platform.machine()}, Python {platform.python_version()}, one thread"
    about = {"schema": 1, "commit": store.commit()[0], "machine": machine, "settings": settings}
    store.write_json(RESULT, {**about, "rows": rows, "curves": curves})


if __name__ == "__main__":
    main()
