"""Curvature and noise of a network from a campaign: against an independent solver, and what is refused."""

import json

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from inertialab.experiments.__main__ import main as experiments
from inertialab.experiments.campaign.images import load_images
from inertialab.experiments.campaign.networks import network
from inertialab.verification.__main__ import main


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """Record of a short campaign."""
    out = tmp_path_factory.mktemp("campaign")
    words = ["campaign", "digits", "--model", "small", "--optimizer", "momentum", "--epochs", "12", "--fraction", "0.1"]
    assert experiments([*words, "--device", "cpu", "--out", str(out)]) == 0
    (path,) = out.glob("*-????????.json")
    return path


@pytest.fixture(scope="module")
def result(record):
    assert main(["network", str(record), "--samples", "60", "--top", "2", "--chunk", "25"]) == 0
    return json.loads(record.with_suffix(".curvature.json").read_text())["result"]


@pytest.fixture(scope="module")
def double(record):
    """Product with the Hessian, and gradients of all samples, of the first 60 images in double precision."""
    images = load_images("digits", 0.1)
    inputs, targets = images.normalised(images.train[0][:60]).double(), images.train[1][:60]
    model = network("small", 1, 10, torch.Generator()).double()
    model.load_state_dict(torch.load(record.with_suffix(".weights.pt"), weights_only=True))
    parameters = list(model.parameters())

    def flat(parts):
        return torch.cat([part.flatten() for part in parts])

    losses = torch.nn.functional.cross_entropy(model(inputs), targets, reduction="none")
    single = torch.stack([flat(torch.autograd.grad(loss, parameters, retain_graph=True)) for loss in losses])
    slope = flat(torch.autograd.grad(losses.mean(), parameters, create_graph=True))

    def product(v):
        return flat(torch.autograd.grad(slope, parameters, torch.as_tensor(v).view(-1), retain_graph=True)).numpy()

    return LinearOperator((len(slope),) * 2, product, dtype=np.float64), single


@pytest.fixture(scope="module")
def top(double):
    """The two largest eigenvalues, and their eigenvectors as columns."""
    values, vectors = eigsh(double[0], 2, which="LA", v0=np.ones(double[0].shape[0]))
    return values[::-1], vectors[:, ::-1]


def test_eigenvalues_are_those_of_an_independent_solver(result, top):
    assert result["eigenvalues"] == pytest.approx(top[0].tolist(), rel=1e-3)


def test_the_trace_is_that_of_independent_probes(result, double):
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (1000, double[0].shape[0]))
    values = [z @ (double[0] @ z) for z in signs]
    error = np.hypot(np.std(values) / 1000**0.5, result["trace error"])
    assert abs(result["trace"] - np.mean(values)) < 4 * error
    assert error < result["trace"] / 4  # a trace of zero would be seen


def test_noise_is_that_of_single_samples(result, double, top):
    centred = (double[1] - double[1].mean(0)).numpy()
    assert result["noise trace"] == pytest.approx((centred**2).sum(1).mean(), rel=1e-4)
    along = ((centred @ top[1][:, 0]) ** 2).mean() / top[0][0]
    found = result["noise over curvature"]
    assert found["value"][0] == pytest.approx(along, rel=1e-2)
    assert found["low"][0] < along < found["high"][0]


def test_a_second_measurement_is_taken_from_its_record(record, result):
    path = record.with_suffix(".curvature.json")
    before = path.read_bytes()
    assert main(["network", str(record), "--samples", "60", "--top", "2", "--chunk", "25"]) == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no record"),
        ("{}", "no complete record of a campaign"),
        ('{"status": "complete", "key": {"command": "simulate"}}', "no complete record of a campaign"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, capsys, content, sentence):
    path = tmp_path / "record.json"
    if content is not None:
        path.write_text(content)
    assert main(["network", str(path)]) == 2
    assert sentence in capsys.readouterr().err


def test_weights_that_are_gone_are_named(record, tmp_path, capsys):
    path = tmp_path / record.name
    path.write_bytes(record.read_bytes())
    assert main(["network", str(path), "--samples", "10"]) == 2
    assert f"{path.stem}.weights.pt is not there" in capsys.readouterr().err


def test_numbers_that_are_none_are_named(record, capsys):
    assert main(["network", str(record), "--samples", "0"]) == 2
    assert "--samples 0" in capsys.readouterr().err
