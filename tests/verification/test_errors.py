"""Standard errors are judged too: repeated measurements, and the scatter about exact predictions."""

from dataclasses import replace

import numpy as np
import pytest

from inertialab.theory import claim
from inertialab.verification.court.check import Check
from inertialab.verification.court.errors import ABOUT_EXACT, ErrorCheck, about_exact, between_seeds, failing
from inertialab.verification.court.judgement import compare_all, judge_all
from inertialab.verification.docket import CHECKS, errors, errors_of
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.active import growth, requests, sets, slacks, splits
from inertialab.verification.studies.particles import (
    adaptive,
    adaptive_minima,
    any_law,
    decoupled,
    density,
    ellipses,
    entering,
    escape,
    flux,
    leaving,
    minibatches,
    networks,
    parabolas,
    relations,
    saddle,
    selection,
    sharpness,
    stationary,
    tails,
    turned,
    uneven,
    weak_friction,
)
from inertialab.verification.studies.regularisation import gradients as har_gradients
from inertialab.verification.studies.regularisation import labels as har_labels
from inertialab.verification.studies.regularisation import networks as har_networks
from inertialab.verification.studies.related import averages, drifts, gates
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Study
from inertialab.verification.studies.training import (
    adaptive_saddles,
    clouds,
    edges,
    exits,
    fluctuations,
    gradients,
    motion,
    normalised,
    one_weight,
    paths,
    resting,
    saddles,
    second_relation,
    symmetric,
    valleys,
    weights,
)
from inertialab.verification.studies.training import orderings as real_orderings
from inertialab.verification.studies.training import tails as real_tails


def measured(wrong=1.0, particles=200):
    """A measurement of five variances of normal numbers, whose errors are multiplied by a factor."""

    def measure(*, rng):
        units = rng.standard_normal((5, particles)) ** 2
        means = [Estimate.mean(row) for row in units]
        return Findings(tuple(Measurement("variance", {}, Estimate(e.value, wrong * e.se, e.n)) for e in means))

    return measure


def verdict(measure, rng, seeds=150):
    study = Study("made-up-repeated", measure, {})
    (found,) = between_seeds([ErrorCheck(study, measure)], {study.id: scatter(measure, seeds, rng=rng)})
    return found


def test_errors_that_are_what_they_say_are_confirmed(rng):
    found = verdict(measured(), rng)
    assert found.verdict == "confirmed"
    assert found.low < 1 < found.high


@pytest.mark.parametrize("wrong", [1 / 3, 0.5**0.5, 1.5, 3.0])
def test_wrong_errors_are_refuted(rng, wrong):
    """A third of the error, every unit counted twice, and errors that are too large."""
    found = verdict(measured(wrong), rng)
    assert found.verdict == "refuted"
    assert found.ratio == pytest.approx(1 / wrong, rel=0.1)


def test_few_seeds_decide_nothing(rng):
    assert verdict(measured(), rng, seeds=10).verdict == "undecided"


def test_numbers_of_one_seed_may_be_correlated(rng):
    """The same number five times scatters as one; the interval must know it."""

    def same(*, rng):
        (one,) = measured()(rng=rng).measurements[:1]
        return Findings((one,) * 5)

    alone, five = verdict(measured(), rng, 100), verdict(same, rng, 100)
    assert five.high - five.low > 1.8 * (alone.high - alone.low)


def test_a_repeated_study_that_measures_no_scatter_is_an_error():
    study = Study("made-up-repeated", measured(), {})
    with pytest.raises(ValueError, match="measures no scatter"):
        between_seeds([ErrorCheck(study, measured())], {study.id: Findings(())})


def about(rng, wrong=1.0, number=60):
    """Measurements of an exact law with normal errors, claimed to be a multiple of what they are."""
    points = [{"eta": 0.5, "h": 2 * x, "C": 0.7} for x in np.linspace(0.1, 1.9, number)]
    exact = claim("sgd.stationary-variance").predict
    rows = [
        Measurement(
            "variance",
            p,
            Estimate(exact(**p) * (1 + 0.002 * rng.standard_normal()), 0.002 * wrong * exact(**p), 10_000),
        )
        for p in points
    ]
    study = Study("made-up", measured(), {})
    check = Check("sgd.stationary-variance", "simulation", study, "variance", 0.02)
    return about_exact(judge_all(compare_all([check], {"made-up": Findings(tuple(rows))})))


def test_the_scatter_about_exact_predictions_is_judged(rng):
    (right,) = about(rng)
    assert (right.study, right.verdict, right.n) == (ABOUT_EXACT, "confirmed", 60)
    (small,) = about(rng, wrong=1 / 3)
    assert small.verdict == "refuted"
    assert small.ratio == pytest.approx(3, rel=0.3)
    assert failing([right.row(), small.row()]) == [small.row()]


def test_a_handful_of_exact_predictions_is_not_judged(rng):
    assert about(rng, number=10) == []


def test_the_errors_of_every_way_to_measure_by_sampling_are_judged():
    """Or of one that makes them in the same way: means over particles, entries of a matrix, events, chains."""
    judged = {check.of for check in errors.CHECKS}
    alike = {
        escape.finite_steps: escape.passages,
        escape.slowing: escape.passages,
        escape.jumps: escape.passages,
        any_law.exponents: escape.passages,
        any_law.changes: escape.passages,
        any_law.thresholds: escape.passages,
        leaving.damped: saddle.spread,
        leaving.sgd_spread: saddle.spread,
        entering.cold_starts: saddle.spread,
        entering.entries: saddle.spread,
        leaving.sgd_covariance: stationary.equilibrium_matrix,
        adaptive.adam_spread: saddle.spread,
        adaptive.adai_spread: saddle.spread,
        adaptive.adai_speed: saddle.spread,
        adaptive.adam_covariance: stationary.equilibrium_matrix,
        # Quotients of two means over families; counted times, and quotients and powers of them.
        tails.indices: relations.relations,
        real_tails.indices: relations.relations,
        selection.occupations: escape.passages,
        sharpness.powers: escape.passages,
        ellipses.exits: escape.passages,
        exits.ellipsoids: escape.passages,
        exits.likened: escape.passages,  # a quotient of two
        # Means over particles, of squares or of their averages over time; over replicates, of logarithms.
        adaptive_minima.spread: stationary.equilibrium,
        adaptive_minima.biases: stationary.equilibrium,
        parabolas.exponents: stationary.equilibrium,
        minibatches.epochs: stationary.equilibrium,
        minibatches.sampled: stationary.equilibrium,
        uneven.regressions: stationary.equilibrium,
        uneven.edges: stationary.equilibrium,
        # Means over chains of networks, at a moment; counted departures.
        symmetric.origins: saddles.spreads,  # without an error: nothing moves there
        symmetric.deviations: saddles.spreads,
        symmetric.entries: saddles.spreads,
        adaptive_saddles.spreads: saddles.spreads,
        adaptive_saddles.speeds: saddles.spreads,
        weights.departures: escape.passages,
        # Chains of real trainings, each averaged over time, and means over independent trainings or draws.
        motion.motion: fluctuations.fluctuations,
        clouds.wide: fluctuations.fluctuations,
        resting.resting: fluctuations.fluctuations,
        normalised.network_units: fluctuations.fluctuations,
        one_weight.stationary: fluctuations.fluctuations,
        one_weight.edges: saddles.spreads,
        edges.settled: saddles.spreads,
        gradients.sampled: stationary.equilibrium,
        gradients.own_labels: stationary.equilibrium,
        real_orderings.shuffled: stationary.equilibrium,
        valleys.drifts: saddles.spreads,
        # Without an error: the same to the last digits.
        paths.sharpened: stationary.equilibrium,
        paths.rescaled: stationary.equilibrium,
        paths.inertias: stationary.equilibrium,
        turned.turned_spread: saddle.spread,
        decoupled.decayed: saddle.spread,
        uneven.means: stationary.equilibrium,
        uneven.currents: stationary.equilibrium_matrix,
        # Quotients of two means over the same units.
        relations.relations_of_batches: relations.relations,
        networks.noise_over_curvature: relations.relations,
        density.by_particles: relations.relations,
        second_relation.of_one_weight: relations.relations,
        second_relation.of_networks: relations.relations,
        har_networks.known_groups: relations.relations,
        har_labels.weights: relations.relations,
        har_gradients.trained_networks: relations.relations,  # without an error: the same to the last digits
        adaptive.adai_covariance: stationary.equilibrium_matrix,
        # Means over coordinates; quotients of them to first order, and where a line through them crosses zero, whose
        # errors tests/verification/related hold against their scatter.
        averages.plain_factors: stationary.equilibrium,
        averages.updates: stationary.equilibrium,
        gates.floors: stationary.equilibrium,
        drifts.drifts: stationary.equilibrium,
        averages.averages: relations.relations,
        averages.few_gradients: relations.relations,
        averages.rectified: relations.relations,
        drifts.factor_losses: relations.relations,
        gates.heats: relations.relations,
        drifts.sign_changes: entering.growths,
        # Asking for labels: means over rows, streams or runs, and quotients of two means over the same.
        requests.gradients: stationary.equilibrium,
        requests.wastes: relations.relations,
        slacks.rare: stationary.equilibrium,
        slacks.covered: stationary.equilibrium,
        growth.chances: stationary.equilibrium,
        splits.until_split: stationary.equilibrium,
        splits.false_gains: stationary.equilibrium,
        sets.errors: relations.relations,
        sets.gains: stationary.equilibrium,  # without an error: sums over all rows
    }
    sampled = {c.study.measure for c in CHECKS if c.layer != "numerics"}
    # Every time of forward flux is made by one function.
    flux_of = (flux.__name__, weak_friction.__name__)
    alike |= {measure: flux.white_escapes for measure in sampled if measure.__module__ in flux_of}
    assert {alike.get(measure, measure) for measure in sampled} <= judged
    assert [e.study.id for e in errors_of([c for c in CHECKS if c.study.id == "sgd-spread"])] == ["sgd-spread-repeated"]


def small(measure, seeds, rng, cpu, **config):
    study = Study("made-up-repeated", measure, {})
    found = measure(seeds=seeds, rng=rng, device=cpu, tick=lambda: None, **config)
    (judged,) = between_seeds([ErrorCheck(study, measure)], {study.id: found})
    return judged


def test_an_ensemble_whose_second_half_repeats_the_first_is_found(rng, cpu, monkeypatch):
    config = {"optimizer": "sgd", "points": errors.POINTS, "particles": 200}
    assert small(stationary.equilibrium_scatter, 150, rng, cpu, **config).verdict == "confirmed"
    whole = stationary.simulate

    def repeated(*arguments, particles, **more):
        half = whole(*arguments, particles=particles // 2, **more)
        return np.concatenate([half, half], axis=1)

    monkeypatch.setattr(stationary, "simulate", repeated)
    assert small(stationary.equilibrium_scatter, 150, rng, cpu, **config).verdict == "refuted"


def test_counted_times_whose_error_forgets_the_root_are_found(rng, cpu, monkeypatch):
    config = {**errors.COUNTED.config, "events": 60, "particles": 300}
    seeds = config.pop("seeds") // 6
    right = small(escape.passage_scatter, seeds, rng, cpu, **config)
    assert right.verdict != "refuted"
    mean_time = escape._mean_time

    def wrong(found, eta):
        time = mean_time(found, eta)
        return Estimate(time.value, time.value / found.events, found.events)

    monkeypatch.setattr(escape, "_mean_time", wrong)
    assert small(escape.passage_scatter, seeds, rng, cpu, **config).verdict == "refuted"


def test_times_of_one_ensemble_count_as_one(rng):
    """Twenty times of two ensembles are two points, too few to be judged."""
    exact = claim("sgd.saddle-variance").predict
    rows = []
    for h in (-0.1, 0.1):
        for T in range(1, 31):
            p = {"eta": 0.5, "h": h, "C": 0.7, "T": T}
            rows.append(Measurement("msd", p, Estimate(exact(**p), 0.002 * exact(**p), 10_000)))
    check = Check("sgd.saddle-variance", "simulation", Study("made-up", saddle.spread, {}), "msd", 0.02)
    assert about_exact(judge_all(compare_all([check], {"made-up": Findings(tuple(rows))}))) == []


def test_replicates_of_forward_flux_that_claim_half_of_their_error_are_found(rng, cpu, monkeypatch):
    config = {**errors.REPLICATES.config, "replicates": 80, "wanted": 0.0}
    seeds = config.pop("seeds") // 2
    right = flux.forward_flux
    monkeypatch.setattr(flux, "forward_flux", lambda *a, **k: replace(right(*a, **k), error=right(*a, **k).error / 2))
    assert small(flux.white_scatter, seeds, rng, cpu, **config).verdict == "refuted"
