"""ARBAL: a citizen of scikit-learn, the same by rows and at once, saved and resumed, honest in what it certifies."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from inertialab.experiments.arbal import ARBAL, bounds, curve, hypotheses
from inertialab.experiments.arbal.hypotheses import probabilities, quantile_cuts, random_hypotheses
from inertialab.experiments.arbal.learner import LEAST, Learner, Settings
from inertialab.experiments.arbal.sets import shuffled


def checkers(n, seed=0, flips=0.05):
    """Two classes on a chess board of four squares."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    return X, ((X[:, 0] > 0) ^ (X[:, 1] > 0) ^ (rng.random(n) < flips)).astype(int)


@parametrize_with_checks([ARBAL(), ARBAL(regions=1, refit=True), ARBAL(hypotheses="random")])
def test_it_is_a_citizen_of_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke them
        check(estimator)


def test_boxes_where_no_line_separates():
    X, y = checkers(3000)
    model = ARBAL(split_slack=0.1, random_state=0).fit(X[:2000], y[:2000])
    line = ARBAL(regions=1, random_state=0).fit(X[:2000], y[:2000])
    assert len(model.regions_) >= 2
    assert model.score(X[2000:], y[2000:]) > 0.85  # its cuts are quartiles of the first 50 rows
    assert line.score(X[2000:], y[2000:]) < 0.75


def test_a_line_is_not_cut_and_labels_are_saved():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2))
    y = X @ [1, 2] > 0
    model = ARBAL(split_phase=0.05, split_slack=0.1, random_state=0).fit(X, y)
    assert len(model.regions_) == 1
    assert model.n_labels_ < 0.25 * model.n_rounds_ == 1000
    assert model.score(X, y) > 0.97


def test_the_chance_to_ask_is_the_largest_difference_of_two_losses():
    learner = Learner(random_hypotheses(7, 3, np.random.default_rng(0)), quantile_cuts(np.eye(3), 1), Settings())
    learner.regions[0].alive[[1, 4]] = False
    for x in np.random.default_rng(1).normal(size=(20, 3)):
        ones = probabilities(learner.weights, x)[learner.regions[0].alive]
        losses = np.stack([ones, 1 - ones])
        brute = np.abs(losses[:, :, None] - losses[:, None, :]).max()
        assert learner.chance(x) == pytest.approx(max(brute, LEAST), rel=1e-12)


def test_rows_of_a_table_have_names_and_an_oracle_sees_them():
    X, y = checkers(400)
    table = pd.DataFrame(X, columns=["width", "height"])
    words = np.array(["plain", "forged"])[y]
    by_labels = ARBAL(split_slack=0.1, random_state=3).fit(table, words)
    seen = []

    def oracle(row):
        seen.append(row.name)
        return "forged" if y[row.name] else "plain"

    by_oracle = ARBAL(split_slack=0.1, random_state=3).fit(table, oracle, classes=["plain", "forged"])
    assert by_oracle.n_labels_ == by_labels.n_labels_ == len(seen)
    assert (by_oracle.predict(table) == by_labels.predict(table)).all()
    assert set(by_oracle.predict(table)) == {"plain", "forged"}
    assert by_labels.feature_names_in_.tolist() == ["width", "height"]


def by_rows(model, X, y):
    asked = []
    for x, label in zip(X, y, strict=True):
        wanted, p = model.ask(x)
        asked.append((wanted, p))
        if wanted:
            model.tell(x, label, p)
    return asked


def test_row_by_row_is_the_same_as_at_once():
    X, y = checkers(1500)
    settings = {"split_phase": 500, "split_slack": 0.1, "random_state": 5}
    at_once = ARBAL(**settings).fit(X, y)
    row_by_row, in_parts = ARBAL(**settings), ARBAL(**settings)
    by_rows(row_by_row, X, y)
    for part in np.split(np.arange(len(X)), [30, 31, 700]):
        in_parts.partial_fit(X[part], y[part], classes=[0, 1])
    for other in (row_by_row, in_parts):
        assert other.n_labels_ == at_once.n_labels_
        assert (other.decision_function(X) == at_once.decision_function(X)).all()
        assert other.certificate_ == at_once.certificate_


@pytest.mark.parametrize("rounds", [20, 300, 900])
def test_saved_and_resumed_it_goes_on_bit_for_bit(tmp_path, rounds):
    X, y = checkers(1500)
    model = ARBAL(split_phase=600, split_slack=0.1, random_state=2)
    by_rows(model, X[:rounds], y[:rounds])
    model.save(tmp_path / "state.npz")
    resumed = ARBAL.load(tmp_path / "state.npz")
    assert resumed.get_params() == model.get_params()
    assert by_rows(resumed, X[rounds:], y[rounds:]) == by_rows(model, X[rounds:], y[rounds:])
    assert (resumed.decision_function(X) == model.decision_function(X)).all()
    assert resumed.n_rounds_ == model.n_rounds_ == 1500


def test_labels_of_text_and_given_hypotheses_are_saved(tmp_path):
    X, y = checkers(300)
    weights = random_hypotheses(20, 2, np.random.default_rng(0))
    model = ARBAL(hypotheses=weights, random_state=0).fit(pd.DataFrame(X, columns=["a", "b"]), np.array(["n", "y"])[y])
    model.save(tmp_path / "state.npz")
    resumed = ARBAL.load(tmp_path / "state.npz")
    assert (
        resumed.predict(pd.DataFrame(X, columns=["a", "b"])).tolist()
        == model.predict(pd.DataFrame(X, columns=["a", "b"])).tolist()
    )
    assert resumed.classes_.dtype == model.classes_.dtype


def test_what_is_no_saved_state_is_refused(tmp_path):
    (tmp_path / "state.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is not a saved ARBAL"):
        ARBAL.load(tmp_path / "state.npz")
    np.save(tmp_path / "array.npy", np.ones(3))
    np.savez(tmp_path / "empty.npz", about=np.array('{"schema": 2}'))
    for name in ("array.npy", "empty.npz"):
        with pytest.raises(ValueError, match="is not a saved ARBAL"):
            ARBAL.load(tmp_path / name)
    np.savez(tmp_path / "old.npz", about=np.array('{"schema": 1}'))
    with pytest.raises(ValueError, match="of schema 1; this version reads 2"):
        ARBAL.load(tmp_path / "old.npz")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"hypotheses": "wurm"}, "hypotheses are 'warm', 'random' or an array, got 'wurm'"),
        ({"hypotheses": np.ones((3, 2))}, "2 slopes and an intercept, got shape \\(3, 2\\)"),
        ({"delta": 1.5}, "delta must lie between 0 and 1"),
        ({"gain": 0}, "gain must lie between 0 and 1"),
        ({"split_slack": -1}, "split_slack must lie between"),
        ({"regions": 0}, "regions must be a whole number of at least 1"),
        ({"cuts": 1.5}, "cuts must be a whole number"),
        ({"split_phase": -0.5}, "split_phase is a fraction or a number of rounds"),
        ({"split_phase": float("inf")}, "split_phase is a fraction or a number of rounds"),
        ({"regions": True}, "regions must be a whole number"),
        ({"refit": "no"}, "refit is True or False"),
        ({"random_state": -1}, "random_state must be None, a whole number"),
        ({"hypotheses": np.full((3, 3), np.nan)}, "hypotheses hold a number that is not finite"),
        ({"hypotheses": [["a"] * 3] * 3}, "hypotheses must be an array of numbers"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        ARBAL(**settings).fit(*checkers(200))


def test_labels_that_are_not_of_two_classes_are_refused():
    X, y = checkers(200)
    with pytest.raises(ValueError, match="needs two classes; the labels hold one class, 1"):
        ARBAL().fit(X, np.ones(200, int))
    with pytest.raises(ValueError, match="two classes apart, 0 and 1; got 2 as well"):
        ARBAL().fit(X, lambda row: 2 if row[0] > 0.9 else int(row[0] > 0))
    with pytest.raises(ValueError, match="labels so far are of one class"):
        ARBAL().fit(X, lambda row: "no")
    with pytest.raises(ValueError, match="200 rows and 199 labels"):
        ARBAL().fit(X, y[1:])


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "label of a row is missing, got None"),
        (float("nan"), "label of a row is missing, got nan"),
        (pd.NA, "label of a row is missing, got <NA>"),
        ("one", "Labels must be of one type, got int and str"),
        (np.array([1, 2]), "Give one label a row"),
    ],
)
def test_what_an_oracle_says_is_one_label(answer, sentence):
    X, _ = checkers(200)
    with pytest.raises(ValueError, match=sentence):
        ARBAL().fit(X, lambda row: answer if row[0] > 0.5 else 0)


def test_classes_that_the_labels_do_not_keep_to_are_refused():
    X, y = checkers(200)
    with pytest.raises(ValueError, match=r"labels hold 0, which is not among the classes \[1, 2\]"):
        ARBAL().fit(X, y, classes=[1, 2])
    with pytest.raises(ValueError, match="Labels must be of one type"):
        ARBAL().fit(X, lambda row: 1, classes=[1, "two"])
    for first in ({}, {"classes": [0, 1]}):
        model = ARBAL(n_warm=20).partial_fit(X[:100], y[:100], **first)
        with pytest.raises(ValueError, match=r"classes are \[1, 2\], but labels so far were of \[0, 1\]"):
            model.partial_fit(X[100:], np.ones(100, int), classes=[2, 1])
        assert model.partial_fit(X[100:], y[100:], classes=[1, 0]).classes_.tolist() == [0, 1]


def test_nobody_is_asked_before_settings_are_seen_to_be_wrong():
    X, _ = checkers(200)

    def oracle(row):
        raise AssertionError

    for wrong in ({"hypotheses": np.ones((3, 7))}, {"cuts": 0}):
        with pytest.raises(ValueError, match="must be"):
            ARBAL(**wrong).fit(X, oracle)
        with pytest.raises(ValueError, match="must be"):
            ARBAL(**wrong).ask(X[0])


@pytest.mark.parametrize("size", [1e-300, 1e160, 1e300])
def test_units_of_the_features_mean_nothing(size):
    X, y = checkers(400)
    plain, other = (ARBAL(split_slack=0.1, random_state=0).fit(s * X, y) for s in (1.0, size))
    assert other.n_labels_ == plain.n_labels_
    assert (other.predict(size * X) == plain.predict(X)).all()


def test_a_label_is_told_once_for_the_row_and_the_chance_that_were_asked():
    X, y = checkers(200)
    model = ARBAL(n_warm=20, random_state=0).partial_fit(X[:100], y[:100])
    row, p = next((x, a[1]) for x in X[100:] if (a := model.ask(x))[0] and a[1] < 1)
    for x, chance in ((row, 1.0), (row, p / 2), (-row, p)):
        with pytest.raises(ValueError, match="was not asked for with chance"):
            model.tell(x, 1, chance)
    with pytest.raises(ValueError, match="two classes apart"):
        model.tell(row, 7, p)
    model.tell(row, 1, p)
    with pytest.raises(ValueError, match="was not asked for with chance"):
        model.tell(row, 1, p)
    with pytest.raises(ValueError, match=r"one row, shape \(d,\), got shape \(1, 2\)"):
        model.ask(X[:1])


def test_labels_may_come_late_and_in_another_order(tmp_path):
    """Thirty on their way at any time, those of the first rows too, and a state saved with them."""
    X, y = checkers(900)
    model = ARBAL(n_warm=20, split_slack=0.1, random_state=0)
    waiting, rng = [], np.random.default_rng(0)
    for i, x in enumerate(X):
        wanted, p = model.ask(x)
        if wanted:
            waiting.append((x, y[i], p))
        if i == 500:
            model.save(tmp_path / "state.npz")
            model = ARBAL.load(tmp_path / "state.npz")
        if len(waiting) == 30:
            model.tell(*waiting.pop(rng.integers(30)))
    inquiry, learner = model._inquiry, model._inquiry.learner
    assert len(inquiry.waiting) == learner.waiting == len(waiting)
    assert learner.rounds == 900 - len(inquiry.y) == 880
    while waiting:
        model.tell(*waiting.pop())
    assert (learner.waiting, model.n_rounds_) == (0, 900)
    assert model.score(X, y) > 0.8


def test_an_oracle_that_fails_leaves_what_was_learnt():
    X, _ = checkers(400)
    model, left = ARBAL(split_phase=100, random_state=0), iter(range(80))

    def oracle(row):
        next(left)
        return int(row[0] > 0)

    with pytest.raises(StopIteration):
        model.fit(X, oracle, classes=[0, 1])
    assert model.n_labels_ == 80
    model.partial_fit(X[model.n_rounds_ :], lambda row: int(row[0] > 0))
    assert model.n_rounds_ == 400


def withheld(seed, weights, truth):
    """Whether a certificate fails when only labels of class 0 are ever told, of rows where class 1 is nearly all."""
    rng = np.random.default_rng(seed)
    model = ARBAL(weights, delta=0.2, regions=1, n_warm=20, random_state=seed)
    model.partial_fit(rng.normal(size=(20, 2)), np.arange(20) % 2)
    for x, label in zip(rng.normal(size=(1500, 2)), rng.random(1500) < truth, strict=True):
        wanted, p = model.ask(x)
        if wanted and not label:
            model.tell(x, 0, p)
    X = rng.normal(size=(20_000, 2))
    ones = probabilities(weights, X)
    risks = (truth * (1 - ones) + (1 - truth) * ones).mean(0)
    return risks[model._inquiry.learner.regions[0].best] - risks.min() > model.certificate_


def test_labels_that_never_come_do_not_make_a_certificate_wrong(monkeypatch):
    weights = random_hypotheses(20, 2, np.random.default_rng(0))
    assert not any(withheld(seed, weights, 0.9) for seed in range(5))
    monkeypatch.setattr(Learner, "waiting", 0)  # as if they were not waited for
    assert all(withheld(seed, weights, 0.9) for seed in range(5))


def test_before_its_first_labels_it_does_not_predict():
    X, y = checkers(60)
    model = ARBAL(random_state=0)
    with pytest.raises(ValueError, match="Nothing was asked yet"):
        model.tell(X[0], y[0], 1.0)
    assert by_rows(model, X[:20], y[:20]) == [(True, 1.0)] * 20
    with pytest.raises(NotFittedError, match="20 labels so far; ARBAL predicts after the first 50"):
        model.predict(X)
    with pytest.raises(ValueError, match="was not asked for with chance 0"):
        model.tell(X[0], y[0], 0.0)


def test_a_certificate_is_withdrawn_where_it_would_not_hold():
    X, y = checkers(400)
    certified = ARBAL(random_state=0).fit(X, y).certificate_
    assert certified is not None
    assert 0 < certified <= 1
    assert ARBAL(split_slack=0.5, random_state=0).fit(X, y).certificate_ is None
    assert ARBAL(refit=True, random_state=0).fit(X, y).certificate_ is None


def test_the_certificate_covers_the_risk_and_a_gain_by_boxes_is_in_it():
    """Forty streams, each with the risk of what was learnt and of the best hypothesis by 20,000 fresh rows."""
    weights = random_hypotheses(40, 2, np.random.default_rng(0))
    X, y = checkers(20_000, seed=1)
    ones = probabilities(weights, X)
    losses = np.where(y[:, None] == 1, 1 - ones, ones)
    above, certificates = [], []
    for seed in range(40):
        model = ARBAL(weights, delta=0.2, split_phase=2000, gain=0.05, cuts=1, random_state=seed)
        model.fit(*checkers(2500, seed=10 + seed))
        chosen = np.array([r.best for r in model._inquiry.learner.regions])[model._inquiry.learner.places(X)]
        above.append(losses[np.arange(len(X)), chosen].mean() - losses.mean(0).min())
        certificates.append(model.certificate_)
    assert np.mean(np.array(above) > certificates) <= 0.2
    assert np.mean(certificates) < 0.3
    # Boxes are better than the best single hypothesis, and some certificates know.
    assert np.mean(above) < -0.02


def test_a_copy_starts_anew():
    X, y = checkers(200)
    model = ARBAL(random_state=0).fit(X, y)
    again = clone(model).fit(X, y)
    assert (again.decision_function(X) == model.decision_function(X)).all()


def test_a_slack_grows_with_what_was_seen_and_with_certainty():
    squares = np.array([0.0, 10.0, 1000.0])
    slack = bounds.excess(squares, 5.0)
    assert (np.diff(slack) > 0).all()
    assert (bounds.excess(squares, 9.0) > slack).all()
    # With many rounds it is near sqrt(2 V ln(1/chance)).
    assert slack[2] == pytest.approx(np.sqrt(2 * 1000 * (5 + np.log(6))), rel=0.1)


def test_errors_against_labels_fall_below_those_of_a_line():
    stream = shuffled(*checkers(3000, flips=0.02), seed=0)
    budgets = [100, 400, 1200]
    boxes, end = curve.of_model(ARBAL(split_slack=0.1, refit=True, random_state=0), stream, budgets)
    assert end["regions"] >= 2
    assert boxes[2] < 0.17 < 0.3 < min(curve.of_rows(stream, budgets)[2], curve.of_margin(stream, budgets)[2])


@pytest.mark.parametrize("most", [2**20, 1])
def test_classifiers_of_many_samples_are_those_of_each_alone(most, monkeypatch):
    """Repeated rows count as often as they are drawn; scikit-learn's ridge, on the rows themselves, says the same."""
    monkeypatch.setattr(hypotheses, "MANY", most)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X @ [1.0, -2.0, 0.5] + rng.normal(size=60) > 0).astype(int)
    drawn = [rng.choice(60, 60), rng.choice(np.flatnonzero(X[:, 0] > 0), 30), np.flatnonzero(y == 1)[:8]]
    counts = np.array([np.bincount(rows, minlength=60) for rows in drawn])
    found = hypotheses._ridges(X, y, counts, np.array([1.0, 3.0, 1.0]))
    for w, rows, strength in zip(found[:2], drawn, (1.0, 3.0), strict=False):
        other = LogisticRegression(C=1 / strength, tol=1e-8).fit(X[rows], y[rows])
        assert w == pytest.approx(np.append(other.coef_, other.intercept_), abs=2e-3)
    assert found[2].tolist() == [0.0, 0.0, 0.0, 3.0]
