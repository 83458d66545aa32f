"""The pages of RAdam, AdaShift and CProp: numbers from records, and a sentence where there is none."""

import html
import json

import compared
import numpy as np
import pytest
import related
from scipy.stats import t as student

from inertialab.theory import claim


def evidence(study, *rows):
    measured = [
        {"quantity": q, "point": p, "estimate": {"value": v, "se": se, "n": 100}, "entry": None, "group": ""}
        for q, p, v, se in rows
    ]
    return {study: {"commit": "0123456789abcdef", "result": {"measurements": measured}}}


def test_the_sign_table_tells_the_direction():
    point = {"rare": 5.0, "d": 4, "beta2": 0.9, "lag": 1, "optimizer": "adashift"}
    made = related.lags(evidence("adashift-periods", ("way", point, 0.5, 0.0), ("way", point, -0.5, 0.0)))
    assert "| +0.5 | +0.5 | right" not in made  # columns stand apart
    assert made.count("| right |") == 1
    assert made.count("**wrong**") == 1
    assert "AdaShift, lag 1" in made
    assert "`0123456789`" in made


def test_measured_numbers_stand_beside_the_claims():
    point = {"mu": 0.02, "beta": 0.0, "beta2": 0.999}
    made = related.critical(evidence("adam-critical", ("critical", point, 41.2, 0.05)))
    assert "41.2 ± 0.1" in made
    assert f"{claim('adashift.critical').predict(**point):.4g}" in made


def test_of_faster_directions_nothing_is_claimed_but_of_fast_ones():
    slow = {"c": 1.0, "eta": 0.001, "h": 1.0, "beta": 0.97}
    fast = {**slow, "eta": 0.3}
    made = related.heats(evidence("cprop-heat", ("heat", slow, 0.99, 0.002), ("fast", fast, 0.5, 0.002)))
    assert "0.9955" in made
    assert made.count("no claim") == 1
    far = {"c": 1.0, "eta": 0.05, "h": 1.0, "beta": 0.9996}
    made = related.heats(evidence("cprop-fast", ("fast", far, 0.25, 0.001)))
    assert f"{claim('cprop.fast-temperature').predict(**far):.4g}" in made


@pytest.mark.parametrize("place", [p for p in related.PLACES if p.removeprefix("related-") not in compared.EXPERIMENTS])
def test_without_a_record_there_is_a_sentence(place):
    assert "No record of" in related.PLACES[place]({})


@pytest.mark.parametrize(
    ("figure", "study", "quantity", "setting"),
    [
        (related.updates, "radam-update-run", "size", {"beta": 0.9, "beta2": 0.99}),
        (related.floors, "cprop-floor", "scale", {"beta": 0.99}),
    ],
)
def test_the_figures_have_a_point_for_each_measurement(figure, study, quantity, setting):
    rows = [(quantity, {**setting, "T": t}, 1 / t, 0.01) for t in (1, 3, 10)]
    drawn = figure(evidence(study, *rows))
    assert drawn.startswith("<?xml")
    assert drawn.count("<use") > figure({}).count("<use")


def test_the_order_tells_who_makes_the_shortest_way():
    common = {"rare": 5.0, "d": 3, "beta2": 0.9, "lag": 1}
    adam = [
        ("factor", {**common, "beta": 0.5, "age": a, "optimizer": "adam"}, w, 0.0)
        for a, w in enumerate((0.2, 0.4, 0.3))
    ]
    shifted = [
        ("factor", {**common, "beta": 0.0, "age": a, "optimizer": "adashift"}, w, 0.0)
        for a, w in enumerate((0.1, 0.5, 0.6))
    ]
    made = related.orders(evidence("adashift-orders", *adam, *shifted))
    assert [cell.strip() for cell in made.splitlines()[2].split("|")[-3:-1]] == [
        "0.2, the rare gradient",
        "0.4, one step later",
    ]
    assert "| 0.1, one step later" in made
    assert "0.6, the rare gradient" in made


def test_the_pages_have_their_tables_and_figures(site):
    pages = {name: html.unescape((site / f"{name}.html").read_text()) for name in ("radam", "adashift", "cprop")}
    assert not any("<!-- related" in page for page in pages.values())
    for name, what in zip(pages, ("warmup", "counterexample", "conformity"), strict=True):
        assert f"No record of {what}" not in pages[name]
        for picture in (f"related-{what}", *({name} & {"radam", "cprop"})):
            assert f'src="{picture}.svg"' in pages[name]
            assert (site / f"{picture}.svg").read_text().startswith("<?xml")
    for name, id in zip(pages, ("radam.variance", "adashift.periodic", "cprop.fast-temperature"), strict=True):
        assert f'href="claims/{id}.html"' in pages[name]


SEEN = {"place": [1.0, 2.0], "error": [0.1, 0.1], "drift": [-2e-3, 1e-4], "loss": [1e-13, 1e-16]}
RECORDS = {
    "counterexample": (
        {"steps": 2, "runs": 9, "rare": 24.0, "mean": 0.005, "beta": 0.0, "beta2": 0.999},
        {
            "times": [1, 2],
            "law": {"mu": 0.005, "C": 24.1, "third": 554.0},
            "arms": {"adam": {**SEEN, "drift": [1e-3, 1e-4], "loss": [0.01, 1e-3]}, "adashift": SEEN, "sgd": SEEN},
        },
    ),
    "warmup": (
        {"steps": 20, "runs": 5, "beta": 0.9, "beta2": 0.999},
        {
            "first": [1, 2],
            "times": [1, 2, 20],
            "rates": {
                "0.1": {
                    "none": {
                        "update": {"mean": [1.0, 0.8], "error": [0.1, 0.1]},
                        "loss": {"mean": [3.0, 2.0, 1.0], "error": [0.1, 0.1, 0.1]},
                    }
                }
            },
        },
    ),
    "conformity": (
        {"steps": 500, "runs": 5, "beta": 0.999},
        {
            "times": [1, 100, 500],
            "arms": {
                "training": {
                    "scale": {"mean": [1.0, 0.9, 0.7], "error": [0.0, 0.01, 0.01]},
                    "loss": {"mean": [2.0, 1.0, 0.5], "error": [0.1, 0.1, 0.1]},
                }
            },
        },
    ),
    "minima": (
        {"steps": 500, "runs": 4, "loss": 0.1},
        {
            "arms": {
                arm: {name: [2.0, 1.0, 2.0, 1.0] for name in ("sharpness", "trace", "error", "loss", "norm", "steps")}
                for arm in ("sgd 0.1", "adam 0.001")
            },
            "against": {
                "sgd 0.1": {"sharpness": [0.0, 0.0], "trace": [0.0, 0.0]},
                "adam 0.001": {"sharpness": [0.5, 0.1], "trace": [0.0, 0.1]},
            },
        },
    ),
}


def test_minima_have_ratios_with_intervals_of_student(tmp_path):
    kept(tmp_path, "minima")
    made = compared.shown("minima", {}, tmp_path)
    half = 0.1 * float(student.ppf(0.975, 3))
    low, value, high = np.exp([0.5 - half, 0.5, 0.5 + half])
    assert f"| adam 0.001 | {value:.3g} ({low:.3g} to {high:.3g}) |" in made
    assert "| sgd 0.1 | 1 | 1 | 1.5 |" in made
    assert compared.figure("minima", tmp_path) == compared.figure("minima", tmp_path)
    assert "No record of" in compared.shown("minima", {}, tmp_path / "nowhere")


def kept(folder, what):
    key, result = RECORDS[what]
    record = {"key": key, "result": result, "commit": "0123456789abcdef", "command": ["python", "-m", "it"]}
    (folder / f"{what}.json").write_text(json.dumps(record))


@pytest.mark.parametrize("what", compared.EXPERIMENTS)
def test_a_comparison_without_a_record_is_a_sentence(tmp_path, what):
    assert "No record of" in compared.shown(what, {}, tmp_path)
    with pytest.raises(FileNotFoundError, match=what):
        compared.figure(what, tmp_path)


def test_the_counterexample_has_measured_drifts_beside_the_claims(tmp_path):
    kept(tmp_path, "counterexample")
    made = compared.shown("counterexample", {}, tmp_path)
    law = RECORDS["counterexample"][1]["law"]
    drift = claim("adashift.drift").evaluate(**law, beta=0.0, beta2=0.999)
    lost = claim("adashift.net-factor-adam").evaluate(rare=24.0, mu=0.005, beta2=0.999)
    assert f"| adam | 1 ± 0.2 | {-1e3 * drift:.3g} | **wrong** | 0.01 ± 0.002 | {lost:.3g} |" in made
    assert "| adashift | -2 ± 0.2 |" in made
    assert "| sgd | -2 ± 0.2 | no claim | right | 0 | no claim |" in made
    assert "`python -m it`, commit `0123456789`" in made


def test_losses_and_scales_have_intervals_of_student(tmp_path):
    kept(tmp_path, "warmup")
    kept(tmp_path, "conformity")
    assert "| none | 2 ± 0.3 | 1 ± 0.3 |" in compared.shown("warmup", {}, tmp_path)
    made = compared.shown("conformity", {}, tmp_path)
    floor = claim("cprop.noise-floor").evaluate(beta=0.999, T=500)
    assert f"| training | 500 | 0.7 ± 0.03 | {floor:.3g} |" in made
    assert "| training | 100 | 0.9 ± 0.03 |" in made


@pytest.mark.parametrize("what", compared.EXPERIMENTS)
def test_comparisons_are_drawn_beside_the_claims(tmp_path, what):
    kept(tmp_path, what)
    drawn = compared.figure(what, tmp_path)
    assert drawn.startswith("<?xml")
    assert "claimed" in drawn
    assert drawn == compared.figure(what, tmp_path)


def test_the_page_says_of_minima_what_their_record_holds():
    record = compared.found("minima")
    half = float(student.ppf(0.975, record["key"]["runs"] - 1))
    against = {arm: seen["sharpness"] for arm, seen in record["result"]["against"].items()}
    low = {arm: np.exp(mean - half * error) for arm, (mean, error) in against.items()}
    high = {arm: np.exp(mean + half * error) for arm, (mean, error) in against.items()}
    assert max(high[arm] for arm in ("sgd 0.5", "momentum 0.05", "adai 0.5", "adaiw 0.5")) < 0.95
    assert all(low[arm] < 1 < high[arm] for arm in ("momentum 0.01", "adai 0.1"))
    assert min(low[arm] for arm in ("adamw 0.001", "adamw 0.005", "adam 0.001")) > 1


def test_the_page_says_of_the_counterexample_what_its_record_holds():
    arms = compared.found("counterexample")["result"]["arms"]
    law = compared.found("counterexample")["result"]["law"]
    drift = {arm: seen["drift"][0] for arm, seen in arms.items()}
    error = max(seen["drift"][1] for seen in arms.values())
    claimed = -claim("adashift.drift").predict(**{n: law[n] for n in ("mu", "C", "third")}, beta=0.0, beta2=0.999)
    assert drift["adam"] == pytest.approx(claimed, abs=3 * error)
    assert drift["radam"] == pytest.approx(claimed, abs=3 * error)
    assert drift["sgd"] == pytest.approx(drift["momentum-ema"], abs=error)
    assert drift["adashift"] == pytest.approx(drift["sgd"], abs=error)
    assert drift["amsgrad"] < -5 * error
    assert drift["adai"] < 3 * drift["sgd"] < 0
    assert min(arms[arm]["place"][0] for arm in ("adam", "amsgrad")) > 10
    assert arms["adam"]["loss"][0] == pytest.approx(
        claim("adashift.net-factor-adam").predict(rare=24.0, mu=0.005, beta2=0.999), rel=0.03
    )


def test_the_page_says_of_warm_ups_what_their_record_holds():
    result = compared.found("warmup")["result"]
    rates = list(result["rates"].values())
    early = [t for t in result["times"] if t <= result["times"][-1] / 10][-1]
    look = result["times"].index(early)
    for made in rates[:2]:
        ends = [made[arm]["loss"]["mean"][-1] for arm in ("none", "square root", "radam", "linear")]
        assert ends == sorted(ends)
    large = {arm: made["loss"] for arm, made in rates[-1].items()}
    assert all(large[arm]["mean"][look] < large["none"]["mean"][look] for arm in large if arm != "none")
    errors = [large[arm]["error"][-1] for arm in large]
    assert max(abs(large[arm]["mean"][-1] - large["none"]["mean"][-1]) for arm in large) < 3 * max(errors)
    noise = [claim("radam.mean-update").evaluate(beta=0.9, beta2=0.999, T=t) for t in result["first"]]
    assert all(seen >= line - 1e-3 for seen, line in zip(rates[0]["none"]["update"]["mean"], noise, strict=True))
    late = result["first"].index(next(t for t in result["first"] if t > 50))
    rectified, root = (rates[0][arm]["update"]["mean"][late:] for arm in ("radam", "square root"))
    assert rectified == pytest.approx(root, rel=0.1)


def test_the_page_says_of_conformity_what_its_record_holds():
    result = compared.found("conformity")["result"]
    scale = {arm: seen["scale"]["mean"] for arm, seen in result["arms"].items()}
    for i, t in enumerate(result["times"]):
        if t >= 60:
            floor = claim("cprop.noise-floor").predict(beta=0.999, T=t)
            assert scale["training"][i] > 1.3 * floor
            if t <= 1000:
                assert scale["random signs"][i] == pytest.approx(floor, abs=0.012)
    assert scale["training"][-1] < max(scale["training"][i] for i, t in enumerate(result["times"]) if t > 60) - 0.1
