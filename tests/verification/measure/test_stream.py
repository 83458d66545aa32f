"""Loaders whose data do not fit into the memory: the same numbers, a batch at a time."""

import numpy as np
import pytest
import torch
from kinds import CE, close, net, seeded
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from inertialab.verification.measure import (
    NotMeasurableError,
    Problem,
    fisher,
    ggn,
    hessian,
    layer_hessians,
    noise_covariance,
    noise_ratio,
    noise_trace,
    top_eigenpairs,
)
from inertialab.verification.measure.budget import Ledger

LARGE = torch.randn(90, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
LABELS = torch.arange(90) % 3
SORTED = LABELS.argsort(stable=True)
WEIGHED = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 0], dtype=torch.float64))
OPERATORS = {
    "hessian": hessian,
    "ggn": ggn,
    "categorical": lambda problem: ggn(problem, "categorical"),
    "noise": noise_covariance,
    "fisher": fisher,
    "layer": lambda problem: layer_hessians(problem)["2"],
}


def _both(loss=CE, **options):
    """A loader of 16 samples at a time beyond the memory, and the same data within it."""
    loader = DataLoader(TensorDataset(LARGE[SORTED], LABELS[SORTED]), batch_size=16)
    streamed = Problem(net(), loss, loader, max_bytes=3500, **options)
    assert streamed.record["streamed"]
    whole = Problem(net(), loss, (LARGE[SORTED], LABELS[SORTED]), **options)
    assert "streamed" not in whole.record
    streamed.max_bytes = 2**31  # of what operators hold; the data stay where they are
    return streamed, whole


@pytest.mark.parametrize("options", [{}, {"l2": 0.3, "chunk": 5}, {"loss": WEIGHED}, {"loss": WEIGHED, "chunk": 7}])
@pytest.mark.parametrize("name", OPERATORS)
def test_products_are_those_of_the_data_in_memory(name, options):
    streamed, whole = _both(**options)
    A, B = OPERATORS[name](streamed), OPERATORS[name](whole)
    dense = B.to_dense()
    assert close(A.to_dense(), dense, 1e-12)
    v = torch.randn(A.size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert close(A.matvec(v), dense @ v, 1e-12)
    assert A.record["kept graphs"] == A.record["recorded graphs"] == 0
    assert A.record["recomputed"] == len(streamed.chunks) >= 6


@pytest.mark.parametrize("loss", [CE, WEIGHED])
def test_gradient_noise_and_eigenpairs_are_those_of_the_data_in_memory(loss, generator):
    streamed, whole = _both(loss)
    assert streamed.samples == 90
    assert streamed.value() == pytest.approx(whole.value(), rel=1e-12)
    assert close(streamed.gradient(), whole.gradient(), 1e-12)
    assert noise_trace(streamed) == pytest.approx(noise_trace(whole), rel=1e-12)
    basis = torch.eye(streamed.size, dtype=torch.float64)[:, :3]
    ratios = [noise_ratio(p, basis, rng=np.random.default_rng(0), resamples=10) for p in (streamed, whole)]
    assert ratios[0].curvature == pytest.approx(ratios[1].curvature, rel=1e-10)
    values = [top_eigenpairs(hessian(p), 3, rtol=1e-8, generator=generator).values for p in (streamed, whole)]
    assert close(*values, 1e-9)


def test_parts_of_batches_that_do_not_fit_at_once_are_made_one_by_one():
    streamed, whole = _both()
    streamed.max_bytes = 20_000
    A = hessian(streamed)
    assert 0 < A.rows.__self__._most < 16  # pyright: ignore[reportFunctionMemberAccess]
    assert close(A.to_dense(), hessian(whole).to_dense(), 1e-12)


class Made(Dataset):
    """Samples that are made when they are asked for, by turns other ones."""

    def __init__(self, size, changes=False):
        self.size, self.changes, self.reads = size, changes, 0

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        self.reads += 1
        shift = self.reads // self.size if self.changes else 0
        return torch.full((4,), float(i % 7 + shift), dtype=torch.float64), i % 3


@pytest.mark.parametrize("which", ["shuffled", "augmented"])
def test_a_loader_that_gives_other_batches_is_refused(which):
    loader = DataLoader(Made(200, which == "augmented"), batch_size=20, shuffle=which == "shuffled")
    with pytest.raises(
        NotMeasurableError, match=r"does not give the same batches each .* batch 1 is not .*shuffle=False"
    ):
        Problem(net(), CE, loader, max_bytes=4000)


def test_a_loader_that_changes_later_is_refused_by_the_next_product():
    data = Made(200)
    problem = Problem(net(), CE, DataLoader(data, batch_size=20), max_bytes=4000)
    problem.max_bytes = 2**31
    H, v = hessian(problem), torch.ones(problem.size, dtype=torch.float64)
    H.matvec(v)
    data.size = 180
    with pytest.raises(NotMeasurableError, match="it ended after 9 of 10 batches"):
        H.matvec(v)
    data.size = 220
    with pytest.raises(NotMeasurableError, match="batch 11 is not what it was"):
        H.matvec(v)


def test_reading_leaves_the_random_numbers_of_the_caller_alone():
    problem = Problem(net(), CE, DataLoader(Made(200), batch_size=20), max_bytes=4000)
    state = torch.get_rng_state()
    problem.value()
    assert torch.equal(torch.get_rng_state(), state)


def test_what_cannot_be_read_anew_is_refused(generator):
    batches = lambda: ((LARGE[i : i + 9], LABELS[i : i + 9]) for i in range(0, 90, 9))  # noqa: E731
    with pytest.raises(NotMeasurableError, match="pass a loader that can be read again"):
        Problem(net(), CE, batches(), max_bytes=2000)
    loader = DataLoader(Made(200), batch_size=20)
    with pytest.raises(NotMeasurableError, match="of them as one batch"):
        Problem(net(), CE, loader, max_bytes=4000, coupled=True)
    with pytest.raises(NotMeasurableError, match="A batch of the loader takes 4000 bytes"):
        Problem(net(), CE, DataLoader(Made(200), batch_size=100), max_bytes=6000)
    with pytest.raises(NotMeasurableError, match="drawn targets would have to be kept"):
        fisher(Problem(net(), CE, loader, max_bytes=4000), "categorical", draws=1, generator=generator)


def test_memory_stays_flat_however_much_there_is():
    """32 MB of data, in 0.4 MB at a time."""
    model, loader = seeded(lambda: nn.Linear(1000, 3)), DataLoader(Wide(), batch_size=50)
    with Ledger() as streamed:
        problem = Problem(model, CE, loader, max_bytes=2**20)
        problem.max_bytes = 2**31
        for make in (hessian, noise_covariance):
            make(problem).matvec(problem.start)
    with Ledger() as kept:
        Problem(model, CE, loader).value()
    assert streamed.peak < 4e6
    assert kept.peak > 32e6


class Wide(Dataset):
    """Samples of 8 kB."""

    def __len__(self):
        return 4000

    def __getitem__(self, i):
        return torch.full((1000,), float(i)).double().sin(), i % 3
