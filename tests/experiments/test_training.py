"""Data, models, minima and chains."""

import numpy as np
import pytest
import torch

from inertialab.experiments import data, models, training
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.problem import Problem


@pytest.fixture
def small(generator):
    """A softmax regression with 6 parameters on 40 samples."""
    X = torch.randn(40, 2, dtype=torch.float64, generator=generator)
    y = (X[:, 0] + 0.5 * torch.randn(40, dtype=torch.float64, generator=generator) > 0).long()
    return Problem(models.softmax_regression(2, 2, generator), X, y, l2=0.05)


def test_digits_are_images_between_0_and_1():
    digits = data.load("digits")
    assert digits.inputs.shape == (1797, 64)
    assert digits.inputs.min() == 0
    assert digits.inputs.max() == 1
    assert digits.classes == 10
    assert digits.inputs.dtype == torch.float64


@pytest.mark.parametrize(
    ("name", "rows", "features", "classes"),
    [("banknote", 1372, 4, 2), ("cardiotocography", 2126, 21, 3), ("avila", 20867, 10, 12)],
)
def test_tables_of_the_data_folder_are_standardised(name, rows, features, classes):
    if data.data_folder() is None:
        pytest.skip(f"{data.DATA_VARIABLE} is not set: no data folder with {name}.csv")
    table = data.load(name)
    assert table.inputs.shape == (rows, features)
    assert table.classes == classes
    assert table.inputs.mean(0).abs().max() < 1e-10
    assert table.inputs.std(0, correction=0) == pytest.approx(np.ones(features))
    assert table.targets.min() == 0


@pytest.mark.parametrize("name", [name for name, row in data.DATASETS.items() if row.digest])
def test_the_data_here_are_those_that_committed_results_were_made_from(name):
    if data.data_folder() is None:
        pytest.skip("INERTIALAB_DATA is not set")
    assert data.content_digest(name) == data.DATASETS[name].digest


def test_missing_data_are_refused_with_the_place_to_put_them(monkeypatch, tmp_path):
    monkeypatch.delenv(data.DATA_VARIABLE, raising=False)
    with pytest.raises(data.DataMissingError, match=r"set INERTIALAB_DATA to a folder with banknote.csv"):
        data.load("banknote")
    monkeypatch.setenv(data.DATA_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(data.DataMissingError, match="which is not a folder"):
        data.load("banknote")
    monkeypatch.setenv(data.DATA_VARIABLE, str(tmp_path))
    with pytest.raises(data.DataMissingError, match=r"banknote.csv is not in the data folder .* column 'class'"):
        data.load("banknote")
    with pytest.raises(ValueError, match=r"no data set 'mnist'; choose digits, breast-cancer, wine, banknote,"):
        data.load("mnist")


def test_a_damaged_table_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(data.DATA_VARIABLE, str(tmp_path))
    (tmp_path / "banknote.csv").write_text("a,b\n1,2\n")
    with pytest.raises(data.DataMissingError, match="has no column 'class' for the class; its columns are a, b"):
        data.load("banknote")
    (tmp_path / "banknote.csv").write_text("a,class\nx,1\n2,0\n")
    with pytest.raises(data.DataMissingError, match="a value that is not a number"):
        data.load("banknote")


def test_a_problem_without_data_is_refused(generator):
    net = models.softmax_regression(2, 2, generator)
    with pytest.raises(ValueError, match="got 0 inputs and 0 targets"):
        Problem(net, torch.zeros(0, 2), torch.zeros(0).long())


def test_the_minimum_is_reached_to_rounding(small):
    at, norm = training.minimise(small)
    assert norm <= 1e-8
    assert small.gradient(at).norm() == pytest.approx(norm)
    assert torch.linalg.eigvalsh(torch.func.hessian(small.value)(at)).min() > 0


def test_a_minimum_that_is_not_reached_is_an_error(small):
    with pytest.raises(
        training.NotConvergedError, match=r"No minimum after 1 Newton steps: gradient norm .* asked for"
    ):
        training.minimise(small, iterations=1)


@pytest.mark.parametrize("model", models.MODELS)
def test_gradients_of_chains_are_those_of_each_alone(model, generator):
    X = torch.randn(20, 9, dtype=torch.float64, generator=generator)
    y = torch.randint(4, (20,), generator=generator)
    net = models.MODELS[model](9, 4, generator)
    problem = Problem(net, X, y, l2=0.1)
    flats = problem.start + 0.1 * torch.randn(5, len(problem.start), dtype=torch.float64, generator=generator)
    indices = torch.randint(20, (5, 7), generator=generator)
    together = problem.batch_gradients(flats, indices)
    for flat, index, gradient in zip(flats, indices, together, strict=True):
        torch.nn.utils.vector_to_parameters(flat, net.parameters())
        loss = torch.nn.functional.cross_entropy(net(X[index]), y[index])
        loss = loss + 0.05 * sum(p.square().sum() for p in net.parameters())
        alone = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, list(net.parameters()))])
        assert torch.allclose(gradient, alone, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("model", ["convnet", "row-transformer"])
def test_models_of_images_know_where_a_pixel_is(model, generator):
    """Else they would be networks on a table; and what is no image is refused."""
    net, image = models.MODELS[model](64, 10, generator), torch.rand(1, 64, dtype=torch.float64, generator=generator)
    turned = image.reshape(8, 8).T.reshape(1, 64)
    assert not torch.allclose(net(image), net(turned), rtol=1e-3)
    assert torch.allclose(net(image)[0], net(image[0]), rtol=1e-12)  # as derivatives of samples ask
    with pytest.raises(WrongInputError, match="square images; 13 features are none"):
        models.MODELS[model](13, 3, generator)


def test_the_transformer_sees_the_order_of_rows(generator):
    """Without its places the mean over tokens would not."""
    net, image = models.MODELS["row-transformer"](64, 10, generator), torch.rand(8, 8, dtype=torch.float64)
    upside_down = image.flip(0)
    assert not torch.allclose(net(image.reshape(64)), net(upside_down.reshape(64)), rtol=1e-3)
    with torch.no_grad():
        net.place.zero_()
    assert torch.allclose(net(image.reshape(64)), net(upside_down.reshape(64)), rtol=1e-9)


def _chains(problem, seed, **changes):
    at = problem.start
    arguments = {"chains": 6, "batch": 4, "burn_in": 3, "samples": 5, "every": 2} | changes
    basis = torch.eye(len(at), dtype=torch.float64)[:, :2]
    return training.run_chains(
        problem, "sgd", {"eta": 0.1}, start=at, basis=basis, rng=np.random.default_rng(seed), **arguments
    )


def test_chains_are_seeded_independent_and_recorded_after_burn_in(small):
    samples = _chains(small, 0)
    assert samples.shape == (5, 6, 2)
    assert np.array_equal(samples, _chains(small, 0))
    assert len(np.unique(samples[-1, :, 0])) == 6
    assert np.array_equal(samples[1], _chains(small, 0, burn_in=5)[0])


def test_a_full_batch_of_one_sample_is_gradient_descent(generator):
    X, y = torch.ones(1, 2, dtype=torch.float64), torch.zeros(1).long()
    problem = Problem(models.softmax_regression(2, 2, generator), X, y)
    samples = _chains(problem, 0, burn_in=0, samples=1, batch=1)
    step = -0.1 * problem.gradient(problem.start)[:2]
    assert samples[0, 0] == pytest.approx(step.numpy())
