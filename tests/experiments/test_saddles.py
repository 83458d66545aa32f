"""Saddles of training problems: found, refused, kept."""

import json

import pytest
import torch
from torch import nn

from inertialab.experiments import data, models
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import NotConvergedError, critical, hessian_matrix, known, saddle

RECIPES = {name: json.loads((known.FOLDER / f"{name}.json").read_text())["recipe"] for name in known.names()}
needs_data = pytest.mark.skipif(data.data_folder() is None, reason=f"{data.DATA_VARIABLE} is not set")


@pytest.fixture
def two_layers(generator):
    """One input, two hidden units, one output: the origin is a saddle of index 2."""
    X = torch.randn(30, 1, dtype=torch.float64, generator=generator)
    return Problem(models.two_layer(1, 1, generator, hidden=2), X, 0.7 * X, loss=nn.functional.mse_loss)


def test_a_saddle_is_reached_to_rounding(two_layers, generator):
    start = 0.1 * torch.randn(4, dtype=torch.float64, generator=generator)
    found = saddle(two_layers, 2, start)
    assert found.gradient_norm <= 1e-11
    assert found.at.norm() < 1e-10
    assert (found.curvatures < 0).sum() == 2
    assert torch.allclose(found.curvatures, torch.linalg.eigvalsh(hessian_matrix(two_layers, found.at)))


def test_products_alone_lead_to_the_same_saddle(two_layers, generator, monkeypatch):
    start = 0.1 * torch.randn(4, dtype=torch.float64, generator=generator)
    dense = saddle(two_layers, 2, start)
    monkeypatch.setattr(critical, "DENSE", 3)
    found = saddle(two_layers, 2, start)
    assert torch.allclose(found.at, dense.at, atol=1e-10)
    assert found.curvatures == pytest.approx(dense.curvatures[:3].tolist(), abs=1e-8)


def test_the_hessian_matrix_is_that_of_automatic_differentiation(two_layers):
    exact = torch.func.hessian(two_layers.value)(two_layers.start)
    assert torch.allclose(hessian_matrix(two_layers, two_layers.start), exact, atol=1e-14)


def test_what_is_no_saddle_is_refused_with_a_sentence(two_layers):
    with pytest.raises(ValueError, match="index must be 1 to 3, one less than the number of parameters, got 4"):
        saddle(two_layers, 4)
    with pytest.raises(ValueError, match=r"in float64, got torch.float32; call model.double"):
        saddle(two_layers, 1, two_layers.start.float())
    with pytest.raises(NotConvergedError, match=r"No saddle of index 2 after 1 steps: gradient norm .* another point"):
        saddle(two_layers, 2, two_layers.start, iterations=1)
    with pytest.raises(NotConvergedError, match="has 2 negative curvatures, asked for 1; start from another point"):
        saddle(two_layers, 1, torch.zeros(4, dtype=torch.float64))


@needs_data
@pytest.mark.parametrize("name", RECIPES)
def test_a_kept_saddle_is_one_of_the_data_here(name):
    problem, at = known.known(name)
    low = torch.linalg.eigvalsh(hessian_matrix(problem, at))
    assert problem.gradient(at).norm() < 1e-11
    assert (low < 0).sum() == RECIPES[name]["index"]


@needs_data
def test_a_kept_saddle_is_found_again_by_its_recipe(tmp_path):
    recipe = known.Recipe(**RECIPES["cardiotocography-2"])
    found = known.keep("again", recipe, tmp_path)
    _, at = known.known("again", folder=tmp_path)
    assert torch.equal(at, found.at)
    assert torch.allclose(at, known.known("cardiotocography-2")[1], atol=1e-9)


def test_unknown_saddles_and_other_data_are_refused(tmp_path):
    with pytest.raises(known.UnknownSaddleError, match=r"no saddle 'wine-7'; kept are cardiotocography-1, "):
        known.known("wine-7")
    content = json.loads((known.FOLDER / "digits-2.json").read_text())
    (tmp_path / "digits-2.json").write_text(json.dumps(content | {"data digest": "0"}))
    with pytest.raises(known.UnknownSaddleError, match="belongs to other data than digits here; `keep` it anew"):
        known.known("digits-2", folder=tmp_path)


def test_components_are_uncorrelated_and_of_variance_one():
    inputs = known.network(known.Recipe("wine", 2, 0.01, 0, 0, 1, components=4)).inputs
    assert torch.allclose(inputs.T @ inputs / len(inputs), torch.eye(4, dtype=torch.float64), atol=1e-12)
