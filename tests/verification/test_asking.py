"""Streams that studies teach at once: what they come to is what the learner does row by row."""

import numpy as np
import pytest

from inertialab.experiments.arbal import bounds
from inertialab.experiments.arbal.learner import Learner, Settings
from inertialab.verification.studies.active import growth, splits
from inertialab.verification.studies.active.streams import NO_CUTS, steps, swiftly_taught, thresholds


@pytest.mark.parametrize("kind", [Learner, growth.Finer])
@pytest.mark.parametrize(("flips", "rows"), [(0.0, 3000), (0.2, 3001)])
def test_a_stream_taught_at_once_is_the_one_taught_row_by_row(kind, flips, rows):
    rng = np.random.default_rng(3)
    X, y = steps(rows, flips, 6.0, rng)
    coins, weights = rng.random(rows), thresholds(np.linspace(-2, 2, 60), 2.0)
    ours, theirs = (kind(weights, NO_CUTS, Settings(delta=0.2)) for _ in range(2))
    chances = swiftly_taught(ours, X, y, coins)
    for x, label, coin, chance in zip(X, y, coins, chances, strict=True):
        asked, p = theirs.ask(x, coin)
        assert p == chance
        if asked:
            theirs.tell(x, int(label), p)
    assert (ours.rounds, ours.asked, ours.labels.count) == (theirs.rounds, theirs.asked, theirs.labels.count)
    for name in ("alive", "losses", "trim_due"):
        assert np.array_equal(getattr(ours.regions[0], name), getattr(theirs.regions[0], name))
    assert 1 < ours.regions[0].alive.sum() < 60


def test_squares_kept_from_look_to_look_are_those_of_all_labels():
    rng = np.random.default_rng(4)
    learner = growth.Finer(thresholds(np.linspace(-1, 1, 40), 1.5), NO_CUTS, Settings())
    swiftly_taught(learner, *steps(2000, 0.1, 6.0, rng), rng.random(2000))
    rows, weighted = learner.labels.of(0), learner.labels.weighted[: learner.labels.count]
    for best in (3, 20, 35):
        plain = ((weighted - weighted[:, best : best + 1]) ** 2).sum(axis=0)
        expected = bounds.excess(plain, learner._log_pairs(0), growth.FINE)
        assert learner.pair_excess(0, rows, best) == pytest.approx(expected, rel=1e-9)


POINTS = (
    {"M": 3, "cuts": 2, "delta": 0.01, "gain": 0.03, "share": 0.3, "flips": 0.05},
    {"M": 6, "cuts": 9, "delta": 1e-4, "gain": 0.01, "share": 0.25, "flips": 0.2},
)


@pytest.mark.parametrize("point", POINTS)
def test_first_splits_worked_out_at_once_are_those_of_the_learner(point):
    rng = np.random.default_rng(5)
    weights, cuts = splits._parts(point)
    for _ in range(5):
        rounds, rate, seen = splits._first_split(splits._watchful(weights, cuts, point), point, rng)
        assert rounds > splits.BLOCK or len(seen) == 1
        splits._confirm(splits._watchful(weights, cuts, point), rounds, rate, seen)
        with pytest.raises(AssertionError, match="is not what the learner does"):
            splits._confirm(splits._watchful(weights, cuts, point), rounds + 1, rate, seen)
