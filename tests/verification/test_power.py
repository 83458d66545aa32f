"""What each layer would have refuted: detectable effects against closed forms, and what lends no power."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from scipy import stats

from inertialab.theory import claim
from inertialab.verification.court import power
from inertialab.verification.court.board import board_row
from inertialab.verification.court.check import Check, arguments
from inertialab.verification.court.families import Family, families
from inertialab.verification.court.judgement import compare_all, judge_all
from inertialab.verification.court.material import Material
from inertialab.verification.court.orders import LimitCheck
from inertialab.verification.court.power import COUNTED, EXACT, EXITS, FLOOR, OTHER, bar, detectable_effect, power_of
from inertialab.verification.court.variants import variants
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Study

MADE_UP = Study("made-up", lambda **_: Findings(()), {})
UNITS = 100_000
R = 4.0
MATRICES = {"H": [[2.0, 0.5], [0.5, 1.0]], "C": [[1.0, 0.3], [0.3, 0.8]]}


def judgements(id, points, *, margin=0.1, se=0.0, layer="simulation", entries=(None,)):
    """A perfect experiment's judgements: every claim's own number, with a relative standard error."""
    rows = []
    for point in points:
        value = np.asarray(claim(id).evaluate(**arguments(claim(id), point)))
        for entry in entries:
            number = float(value if entry is None else value[entry])
            estimate = Estimate(number, se * abs(number), UNITS) if se else Estimate(number)
            rows.append(Measurement("value", point, estimate, entry))
    row = Check(id, layer, MADE_UP, "value", margin)
    return judge_all(compare_all([row], {"made-up": Findings(tuple(rows))}))


def effects(id, points, **how):
    found = power_of(id, judgements(id, points, **how))
    return found.layers["simulation"].effects


def found_by_bisection(effect, true):
    """Refuted, and at most the resolution above the smallest that is; both to three digits."""
    return 0.995 * true <= effect <= 1.005 * power.RESOLUTION * true


VARIANCE = {"eta": 0.5, "h": 1.0, "C": 0.7}
OU = "sgd.stationary-variance-ou"
CURVATURES = [{"eta": 0.01, "h": h, "C": 1.0} for h in (R, 1 / R)]
NOISES = [{"eta": 0.01, "h": 1.0, "C": c} for c in (R, 1 / R)]
MOMENTUM = [{"eta": 0.1, "beta": 0.9}]
UP, DOWN = 1 / 0.9, 1.1
"""Largest factor of a prediction that a measured one with a margin of 0.1 allows, and the inverse of the smallest."""
KNOWN = (
    # Effects at exact measurements, margin 0.1.
    ("sgd.stationary-variance", [VARIANCE], "prefactor", UP - 1),
    (OU, CURVATURES, "exponent", log(DOWN) / log(R)),
    (OU, CURVATURES, "power of h", log(DOWN) / log(R)),
    (OU, NOISES, "power of C", log(DOWN) / log(R)),
    ("momentum.conventions", MOMENTUM, "term 1 of 1 - beta", 0.1 * 0.1),
    ("momentum.conventions", MOMENTUM, "term -beta of 1 - beta", 0.1 * 0.1 / 0.9),
    ("momentum.conventions", MOMENTUM, "convention of eta", log(UP) / log(10)),
    ("sgd.saddle-variance", [{"eta": 1.0, "h": -1.0, "C": 1.0, "T": 12}], "off-by-one of T", log(UP) / log(4)),
    ("sgd.isotropy", [{"eta": 0.1, "B": 2.0}], "off-by-one of B", log(UP) / log(2)),
    # What measurements at these points cannot tell.
    (OU, CURVATURES, "power of C", None),
    ("sgd.stationary-variance", [VARIANCE], "exponent", None),
    ("sgd.stationary-variance", [{"eta": 0.5, "h": 1e-3, "C": 0.7}], "term -eta*h of -eta*h + 2", None),
    ("momentum.conventions", [{"eta": 0.1, "beta": 1e-3}], "convention of eta", None),
    ("sgd.saddle-variance", [{"eta": 1e-3, "h": -1.0, "C": 1.0, "T": 200}], "off-by-one of T", None),
    ("sgd.isotropy", [{"eta": 0.1, "B": 64.0}], "off-by-one of B", None),
)


@pytest.mark.parametrize(("id", "points", "family", "effect"), KNOWN, ids=lambda x: x if isinstance(x, str) else "")
def test_the_detectable_effect_is_the_one_known_in_closed_form(id, points, family, effect):
    found = effects(id, points)[family]
    assert found is None if effect is None else found_by_bisection(found, effect)


@pytest.mark.parametrize(("se", "margin"), [(0.001, 0.02), (0.004, 0.05), (0.01, 0.1)])
def test_the_effect_in_the_prefactor_is_what_interval_and_margin_give_by_hand(se, margin):
    (judgement,) = judgements("sgd.stationary-variance", [VARIANCE], se=se, margin=margin)
    half = se * stats.t.ppf(1 - judgement.level, UNITS - 1)
    above, below = (1 + half) / (1 - margin) - 1, 1 - (1 - half) / (1 + margin)
    assert above > below
    assert found_by_bisection(effects("sgd.stationary-variance", [VARIANCE], se=se, margin=margin)["prefactor"], above)


def test_three_times_smaller_errors_see_three_times_less_beyond_the_margin(monkeypatch):
    monkeypatch.setattr(power, "RESOLUTION", 1.0001)
    margin, halves = 0.05, []
    for se in (0.0045, 0.0015):
        effect = effects("sgd.stationary-variance", [VARIANCE], se=se, margin=margin)["prefactor"]
        halves.append((1 + effect) * (1 - margin) - 1)
    assert halves[0] / halves[1] == pytest.approx(3, rel=0.02)


def test_what_is_seen_far_below_every_need_is_not_resolved():
    assert effects("sgd.stationary-variance", [VARIANCE], margin=1e-9)["prefactor"] <= FLOOR


def graded_by(factor, low=-1.0, high=1.0):
    """A family of one measurement of 1, whose prediction is a factor by size."""
    return Family("made up", low, high, lambda e: factor(e)[:, None])


@pytest.mark.parametrize(
    ("factor", "effect"),
    [
        (lambda e: 1 + e, UP - 1),
        (lambda e: np.where(e > 0, 1 + e, 1 + e / 4), 4 * (1 - 1 / DOWN)),  # the less visible direction counts
        (lambda e: np.where(e > 0, 1.0, 1 + e), None),
        (lambda e: np.where(e > 0, 1 + e, 1.0), None),
        (lambda e: np.where(np.abs(e) < 0.01, 2.0, np.where(np.abs(e) < 0.3, 1.0, 2.0)), 0.3),  # seen, missed, seen
        (lambda e: np.where(np.abs(e) > 0.5, 1.0, 2.0), None),  # the largest passes
        (lambda e: np.where(np.abs(e) > 0.5, np.nan, 1.0), 0.5),  # no number is no prediction
    ],
)
def test_every_error_from_the_detectable_effect_on_is_refuted_in_both_directions(factor, effect):
    material = Material(claim("scaling.identity"), judgements("scaling.identity", [{"k": 1.0}]))
    found = detectable_effect(graded_by(factor), material)
    assert found is None if effect is None else found_by_bisection(found, effect)


MSD = {"eta": 0.1, "h": -1.0, "C": 1.0, "beta": 0.9, "v0sq": 0.1}
WELL = {"Ha": [2.0, 1.0], "Hb": [1.0, 3.0], "dL": 1.0}
INTERVAL = {"eps": 0.1, "a": 1.0, "b": 2.0}


@pytest.mark.parametrize(
    ("id", "points", "entry"),
    [
        ("momentum.saddle-msd", [{**MSD, "T": t} for t in (3, 9)], None),
        ("sgd.stationary-covariance", [{"eta": 0.1, **MATRICES}], (0, 1)),
        ("langevin.eyring-kramers", [{**WELL, "D": d} for d in (0.1, 0.2)], None),
        ("levy.exit", [{**INTERVAL, "alpha": a} for a in (1.2, 1.6)], None),
    ],
)
def test_an_error_of_no_size_is_the_claim_itself(id, points, entry):
    material = Material(claim(id), judgements(id, points, entries=(entry,)))
    made = list(families(material))
    assert len(made) >= 6
    for family in made:
        assert family.predictions(np.zeros(1))[0] == pytest.approx(material.predicted, rel=1e-9), family.name


@pytest.mark.parametrize(
    ("id", "points", "entries"),
    [
        ("sgd.stationary-variance", [VARIANCE, {**VARIANCE, "h": 2.0}], (None,)),
        ("sgd.stationary-covariance", [{"eta": e, **MATRICES} for e in (0.1, 0.2)], ((0, 0), (0, 1))),
        ("sgd.escape", [{"eta": 0.1, "B": b, "Ha": 2.0, "Hb": 1.0, "dL": 0.5, "s": 0.3} for b in (1.0, 2.0)], (None,)),
        ("langevin.mean-first-passage", None, (None,)),
    ],
)
def test_variants_at_all_points_at_once_are_the_claims_own_one_by_one(id, points, entries):
    if points is None:
        points = [{"potential": lambda x: x**2, "D": 0.5, "x0": x, "boundaries": (1.0, -2.0)} for x in (0.0, 0.5)]
    made = judgements(id, points, entries=entries)
    material = Material(claim(id), made)
    for variant in variants(claim(id)).values():
        with np.errstate(all="ignore"):
            values = [
                np.asarray(claim(id).evaluate_variant(variant, **arguments(claim(id), j.comparison.point)))
                for j in made
            ]
        entry = [j.comparison.entry for j in made]
        one_by_one = [float(v if at is None else v[at]) for v, at in zip(values, entry, strict=True)]
        assert material.predictions(variant)[0] == pytest.approx(one_by_one, rel=1e-9, nan_ok=True)


def test_a_point_at_which_the_formula_degenerates_refutes_nothing():
    """At coinciding roots the printed formula is 0/0; its variants would all be no numbers."""
    beta = 0.25
    point = {"eta": 1.0, "h": (1 - beta**0.5) ** 2 / (1 - beta), "C": 1.0, "beta": beta, "T": 5, "v0sq": 0.1}
    seen = effects("momentum.saddle-msd", [point])
    assert seen["prefactor"] is not None
    assert {size for name, size in seen.items() if name.startswith("term ")} == {None}


def test_a_formula_that_has_no_value_at_one_point_keeps_that_of_others():
    material = Material(
        claim("levy.exit"),
        judgements("levy.exit", [{**INTERVAL, "alpha": a} for a in (1.0, 1.5)]),
    )
    terms = {family.name: family for family in families(material)}
    # gamma(1 - alpha·e) has a pole at alpha·e = 1, and nowhere near e = 1/2 at alpha = 1.
    values = terms["term 1 of alpha + 1"].predictions(np.array([-0.5, -2.0]))
    assert np.isnan(values[1]).tolist() == [True, False]
    assert np.isfinite(values[0]).all()


def test_an_argument_of_which_the_claim_says_that_nothing_depends_on_it_may_matter_wrongly():
    points = [{"eta": 0.1, "beta": b, "Hb": 1.0} for b in (0.5, 0.8)]
    seen = effects("momentum.only-rescales", points)
    assert found_by_bisection(seen["power of beta"], log(DOWN) / log(1.6) * 2)
    assert "power of Hb" not in seen


def test_a_claim_that_is_no_closed_expression_is_evaluated_anew():
    """With a sum to T, which is 1 at every beta after one step."""
    points = [{"beta": b, "T": 1} for b in (0.5, 0.8)]
    assert effects("momentum.bias-correction", points)["power of beta"] is None
    points = [{"beta": b, "T": 9} for b in (0.5, 0.8)]
    seen, law = effects("momentum.bias-correction", points), claim("momentum.bias-correction")
    found, mean = seen["power of beta"], (0.5 * 0.8) ** 0.5

    def refuted(e):
        factors = [law.evaluate(beta=b * (b / mean) ** e, T=9) / law.evaluate(beta=b, T=9) for b in (0.5, 0.8)]
        return any(f > UP or f < 1 / DOWN for f in factors)

    assert refuted(found * 1.005)
    assert refuted(-found * 1.005)
    smaller = found / power.RESOLUTION * 0.995
    assert not refuted(smaller) or not refuted(-smaller)
    assert "power of T" not in seen  # a whole number has no power


def test_of_a_claim_in_functions_the_numbers_are_tried():
    well = {"potential": [1.0, 0.0, -2.0, 0.0, 1.0], "D": [0.25]}
    one = effects("sgd.escape-finite-step", [{"eta": 0.1, **well}])
    assert one["power of eta"] is None
    two = effects("sgd.escape-finite-step", [{"eta": e, **well} for e in (0.01, 0.3)], margin=0.01)
    assert two["power of eta"] < 1
    assert set(two) == {"prefactor", "exponent", "power of eta"}


def test_every_layer_is_judged_by_its_own_measurements():
    blind = {"eta": 0.5, "h": 0.01, "C": 0.7}
    both = [
        *judgements("sgd.stationary-variance", [{**VARIANCE, "h": 1.2}], margin=1e-3, layer="numerics"),
        *judgements("sgd.stationary-variance", [blind], se=0.02, margin=0.15, layer="real"),
    ]
    found = power_of("sgd.stationary-variance", both)
    numerics, real = found.layers["numerics"], found.layers["real"]
    assert numerics.effects["prefactor"] < 0.002
    assert real.effects["prefactor"] > 0.15
    assert numerics.survivors == ()
    assert any("without -eta*h" in name for name in real.survivors)
    # The pooled share speaks of what was sampled, as it did.
    assert found.survivors == real.survivors
    row = board_row("sgd.stationary-variance", both, found)
    assert row["power_by_layer"] == {"numerics": numerics.effects, "real": real.effects}
    assert row["weak"] == ["real"]
    assert row["real"] == "confirmed"


@pytest.mark.parametrize(("margin", "weak"), [(0.02, []), (0.04, ["simulation"]), (0.6, ["simulation"])])
def test_a_layer_that_misses_three_percent_in_the_prefactor_of_an_exact_claim_is_weak(margin, weak):
    mine = judgements("sgd.stationary-variance", [VARIANCE], margin=margin)
    id = "sgd.stationary-variance"
    bars = [bar(id, "exact", "real"), bar(id, "exact", "numerics"), bar(id, "asymptotic", "simulation")]
    assert bars == [OTHER, EXACT, OTHER]
    assert board_row("sgd.stationary-variance", mine, power_of("sgd.stationary-variance", mine))["weak"] == weak


def test_only_real_exits_are_allowed_a_fifth():
    assert all(claim(id).layers for id in COUNTED)  # they are claims
    assert [bar(id, "asymptotic", layer) for id in sorted(COUNTED) for layer in ("simulation", "real")] == [
        OTHER,
        EXITS,
    ] * len(COUNTED)


def test_points_outside_the_regime_lend_a_layer_no_power():
    outside = [{"eta": 0.5, "h": 2.0, "C": 0.7}]
    mine = judgements("sgd.stationary-variance-ou", outside, margin=0.05)
    assert [j.comparison.in_regime for j in mine] == [False]
    assert power_of("sgd.stationary-variance-ou", mine).layers == {}


def test_a_layer_that_confirms_without_values_is_weak():
    made = judgements("sgd.stationary-variance", [{**VARIANCE, "eta": e} for e in (0.1, 0.2)])
    rows = tuple(
        Measurement("value", j.comparison.point, Estimate(j.comparison.predicted, 1e-4, 500), group=str(i))
        for i, j in enumerate(made)
    )
    limit = LimitCheck("sgd.stationary-variance", "real", MADE_UP, "value", 0.05)
    found = Findings(rows, correlations={"0": [[1.0]], "1": [[1.0]]})
    mine = judge_all(compare_all([limit], {"made-up": found}))
    row = board_row("sgd.stationary-variance", mine, power_of("sgd.stationary-variance", mine))
    assert row["real"] == "confirmed"
    assert row["power_by_layer"] == {}
    assert row["weak"] == ["real"]


def test_a_difference_is_judged_in_its_unit():
    """Off the diagonal the prediction is small against its unit, so that less of its prefactor is seen."""
    point = {"eta": 0.1, "H": MATRICES["H"], "C": [[1.0, 0.5], [0.5, 0.8]]}
    (mine,) = judgements("sgd.stationary-covariance", [point], entries=((0, 1),), margin=0.1)
    value = np.asarray(claim("sgd.stationary-covariance").evaluate(**point))
    unit = float(np.sqrt(value[0, 0] * value[1, 1]))
    apart = replace(mine, comparison=replace(mine.comparison, scale=unit))
    seen = power_of("sgd.stationary-covariance", [apart]).layers["simulation"].effects["prefactor"]
    assert unit / value[0, 1] > 2
    assert found_by_bisection(seen, 0.1 * unit / value[0, 1])


def test_values_that_a_claim_refuses_give_no_number():
    """A start beyond the absorbing end."""
    path = {"potential": [1.0, 0.0, -2.0, 0.0, 1.0], "D": [0.3], "boundaries": [0.8, -1.6]}
    points = [{**path, "x0": x} for x in (0.2, 0.7)]
    material = Material(claim("langevin.mean-first-passage"), judgements("langevin.mean-first-passage", points))
    values = material.again("x0", np.array([0.7, 0.9]))
    assert values[0] == pytest.approx(material.predicted[1])
    assert np.isnan(values[1])


def test_a_claim_of_nothing_is_wrong_by_shares_of_the_unit():
    assert found_by_bisection(effects("noise.saddle-zero", [{"unit": 2.0}])["prefactor"], 0.1)


def test_measurements_that_refute_the_claim_lend_a_layer_no_power():
    id = "sgd.stationary-variance"
    (near,), (far,) = (judgements(id, [VARIANCE], margin=margin) for margin in (0.2, 0.01))
    against = replace(far, verdict=Verdict.REFUTED)
    assert power_of(id, [against]) is None
    assert power_of(id, [near, against]).layers == power_of(id, [near]).layers != power_of(id, [near, far]).layers
