"""Operators against dense matrices, under every memory budget."""

from types import SimpleNamespace

import pytest
import torch
from networks import PROBLEMS, dense_gradients, dense_hessian
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inertialab.verification.measure import (
    NotMeasurableError,
    Operator,
    Problem,
    curvature,
    fisher,
    ggn,
    hessian,
    noise_covariance,
    noise_trace,
    products,
    project_gradients,
)
from inertialab.verification.measure.budget import Ledger
from inertialab.verification.measure.samples import sample_gradients
from inertialab.verification.measure.tape import recorded


def close(A, B, tolerance=1e-13):
    return float((A - B).abs().max()) <= tolerance * max(1.0, float(B.abs().max()))


@pytest.mark.parametrize("keep", [True, False])
def test_the_hessian_is_the_matrix_of_second_derivatives(problem, keep):
    H = hessian(problem, keep=keep)
    assert close(H.to_dense(), dense_hessian(problem))
    assert H.record["kept graphs"] == (len(problem.chunks) if keep else 0)


def test_the_hessian_by_tangents_is_the_matrix_of_second_derivatives(problem, monkeypatch):
    """The way of convolutions on CUDA, for every network."""
    monkeypatch.setattr(curvature, "_ahead_pays", lambda _: True)
    H = hessian(problem)
    assert close(H.to_dense(), dense_hessian(problem))
    carried = not isinstance(problem.loss, nn.MSELoss)  # PyTorch carries no tangents through its backward pass
    assert H.record["derivative"] == ("forward" if carried else "reverse")
    assert (H.record["kept graphs"] == 0) == carried


def test_tangents_are_carried_by_convolutions_on_cuda_alone(problem):
    assert not curvature._ahead_pays(problem)
    there = SimpleNamespace(device=torch.device("cuda"), convolutional=problem.convolutional, coupled=False)
    assert curvature._ahead_pays(there) == any(isinstance(m, nn.Conv2d) for m in problem.model.modules())


@pytest.mark.parametrize("tangent", [None, 2.0], ids=["none", "wrong"])
def test_where_tangents_cannot_be_carried_or_are_wrong_the_graph_is_kept(tangent, monkeypatch):
    class Square(torch.autograd.Function):
        generate_vmap_rule = False

        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, slope):
            return 2 * ctx.saved_tensors[0] * slope

        if tangent is not None:

            @staticmethod
            def jvp(ctx, along):
                return tangent * 3 * ctx.saved_tensors[0] * along

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2).double()

        def forward(self, x):
            return Square.apply(self.layer(x))

    monkeypatch.setattr(curvature, "_ahead_pays", lambda _: True)
    data = torch.eye(2, dtype=torch.float64), torch.tensor([0, 1])
    problem = Problem(Model(), nn.functional.cross_entropy, data)
    H = hessian(problem)
    assert H.record["derivative"] == "reverse"
    assert close(H.to_dense(), dense_hessian(problem))


def test_every_operator_is_symmetric_and_linear(problem, generator):
    for make in (hessian, ggn, noise_covariance, fisher):
        A = make(problem)
        u, v = torch.randn(2, A.size, dtype=torch.float64, generator=generator)
        Au, Av = A.matvec(u), A.matvec(v)
        assert float(u @ Av) == pytest.approx(float(v @ Au), rel=1e-10, abs=1e-13)
        assert close(A.matvec(2 * u - 3 * v), 2 * Au - 3 * Av)
        assert close(A.matmat(torch.stack([u, v], dim=1)), torch.stack([Au, Av], dim=1))


def test_the_noise_covariance_is_that_of_the_per_sample_gradients(problem):
    G = dense_gradients(problem)
    C = torch.cov(G.T, correction=0)
    assert close(noise_covariance(problem).to_dense(), C)
    assert close(noise_covariance(problem, batch=4, sampling="without replacement").to_dense(), C * 9 / (4 * 12))
    whole = G + problem.l2 * problem.start
    assert close(fisher(problem).to_dense(), whole.T @ whole / len(G))
    assert noise_trace(problem) == pytest.approx(float(C.trace()), rel=1e-12)
    assert close(torch.cat(list(sample_gradients(problem, 4))), G)


def test_projections_of_gradients_are_the_same_by_both_routes(problem, generator):
    basis = torch.randn(problem.size, 20, dtype=torch.float64, generator=generator)
    many = project_gradients(problem, basis)
    assert close(many, dense_gradients(problem) @ basis)
    assert close(project_gradients(problem, basis[:, :3]), many[:, :3])


@pytest.mark.parametrize("make", [hessian, ggn, noise_covariance, fisher])
def test_chunks_count_by_their_samples(make):
    one, cut = (make(PROBLEMS["mlp"](chunk=c)).to_dense() for c in (None, 5))
    assert close(cut, one, 1e-14)


def test_a_linear_loss_has_no_curvature():
    model = nn.Linear(2, 1).double()
    X = torch.ones(3, 2, dtype=torch.float64)
    problem = Problem(model, lambda o, y: (o - y).abs().mean(), (X, torch.full((3, 1), 99.0)), l2=0.5)
    assert close(hessian(problem).to_dense(), 0.5 * torch.eye(3, dtype=torch.float64))
    assert close(ggn(problem).to_dense(), 0.5 * torch.eye(3, dtype=torch.float64))


def test_unused_parameters_have_zero_rows():
    problem = PROBLEMS["unused parameters"]()
    unused = torch.tensor(["unused" in n for n, s in zip(problem.names, problem.sizes, strict=True) for _ in range(s)])
    for make in (hessian, ggn, noise_covariance):
        A = make(problem).to_dense()
        assert A[unused].abs().max() == 0
        assert A[~unused].abs().max() > 0


def test_gauss_newton_leaves_out_the_curvature_of_the_model():
    problem = PROBLEMS["mlp"]()
    losses_in_outputs = ggn(problem).to_dense()
    assert torch.linalg.eigvalsh(losses_in_outputs).min() > -1e-14
    assert not close(losses_in_outputs, hessian(problem).to_dense(), 0.05)
    linear = Problem(nn.Linear(4, 3).double(), nn.functional.cross_entropy, problem.chunks)
    assert close(ggn(linear).to_dense(), hessian(linear).to_dense())


def test_an_lstm_in_float32_has_the_hessian_of_float64():
    single, double = (PROBLEMS["lstm"](dtype=d) for d in (torch.float32, torch.float64))
    assert close(hessian(single).to_dense().double(), hessian(double).to_dense(), 1e-5)


def _wide(max_bytes):
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 20), nn.Tanh(), nn.Linear(20, 3)).double()
    X = torch.randn(2000, 6, dtype=torch.float64, generator=generator)
    y = torch.randint(3, (2000,), generator=generator)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.3, generator=generator)
    return Problem(model, nn.functional.cross_entropy, (X, y), chunk=500, max_bytes=max_bytes)


def _peak(work):
    """A result and the most bytes that PyTorch's own profiler saw allocated at once beyond those at the start."""
    with torch.profiler.profile(profile_memory=True) as profile:
        result = work()
    held = peak = 0
    for event in sorted(profile.profiler.kineto_results.events(), key=lambda e: e.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return result, peak


def test_the_profiler_sees_a_peak():
    _, peak = _peak(lambda: torch.ones(1000, dtype=torch.float64) * 2)
    assert 16000 <= peak < 17000


@pytest.mark.parametrize("make", [hessian, ggn, noise_covariance])
@pytest.mark.parametrize("share", [4, 1.2, 0.5, 0.1])
def test_the_memory_stays_within_its_budget_and_the_numbers_stay_the_same(make, share):
    """Budgets in units of what all graphs take; the 2000 x 203 per-sample gradients would take another 3.2 MB."""
    ample = make(_wide(10**8))
    assert ample.record["kept graphs"] == 4
    budget = int(share * ample.record["kept bytes"])
    problem = _wide(budget)
    v = torch.ones(problem.size, dtype=torch.float64)
    (A, product), peak = _peak(lambda: (A := make(problem), A.matvec(v)))
    assert close(product, ample.matvec(v), 1e-14)
    assert peak <= budget
    assert A.record["kept bytes"] <= budget // 2
    assert (A.record["recomputed"] == 0) == (share > 2)
    assert A.record["recomputed"] >= (4 if share < 0.3 else 0)


def test_per_sample_gradients_are_made_in_blocks_that_fit():
    problem = _wide(600_000)
    blocks, peak = _peak(lambda: [len(block) for block in sample_gradients(problem)])
    assert sum(blocks) == 2000
    assert max(blocks) < 500
    assert peak <= 600_000


def test_a_budget_that_not_even_one_sample_fits_is_refused():
    with pytest.raises(NotMeasurableError, match=r"One sample needs .* of max_bytes=2000 are left"):
        hessian(_wide(2_000))


def test_the_ledger_counts_what_is_alive():
    with Ledger() as ledger:
        x = torch.ones(1000, dtype=torch.float64)
        views = [x[:10], x.view(10, 100)]
        y = x * 2
        del y
    assert ledger.alive() == 8000
    assert ledger.peak == 16000
    del x, views
    assert ledger.alive() == 0


def test_products_for_scipy_and_batched_products_agree(generator):
    import scipy.sparse.linalg

    problem = PROBLEMS["mlp"]()
    H = hessian(problem)
    values = scipy.sparse.linalg.eigsh(H.to_scipy(), k=3, which="LA", return_eigenvectors=False)
    assert sorted(values) == pytest.approx(torch.linalg.eigvalsh(dense_hessian(problem))[-3:].tolist(), rel=1e-9)
    A = Operator.of_matrix(H.to_dense())
    assert close(A.to_dense(), H.to_dense())
    assert (A.to_scipy() @ torch.eye(A.size, dtype=torch.float64).numpy()).shape == (A.size, A.size)


def test_chunks_that_count_alike_are_noticed(monkeypatch):
    """The comparison with the dense matrix can fail: here chunks are weighted alike instead of by their samples."""
    problem = PROBLEMS["unequal chunks"]()
    monkeypatch.setattr(Problem, "weight", lambda self, chunk: 1 / len(self.chunks))
    assert not close(hessian(problem).to_dense(), dense_hessian(problem), 1e-3)


def test_the_hessian_of_a_mini_batch_is_biased_upwards(trained, generator):
    problem, at = trained
    X, y = problem.inputs, problem.targets

    def largest(part):
        batch = Problem(problem.model, problem.loss, (X[part], y[part]), at=at)
        return float(torch.linalg.eigvalsh(hessian(batch).to_dense())[-1])

    whole = largest(torch.arange(300))
    small = torch.tensor([largest(torch.randperm(300, generator=generator)[:8]) for _ in range(60)])
    assert float(small.mean() - 3 * small.std() / 60**0.5) > whole


@pytest.mark.parametrize(
    "make",
    [
        hessian,
        ggn,
        noise_covariance,
        fisher,
        lambda p: hessian(p, keep=False),
        lambda p: noise_covariance(p, keep=False),
    ],
    ids=["hessian", "ggn", "noise", "fisher", "hessian anew", "noise anew"],
)
def test_recorded_products_are_those_through_the_graph(problem, make, monkeypatch, generator):
    V = torch.randn(3, problem.size, dtype=torch.float64, generator=generator)
    expected = make(problem).rows(V)
    monkeypatch.setattr(products, "TAPE_BYTES", 0)
    monkeypatch.setattr(products, "BLOCK_BYTES", 0)
    A = make(problem)
    assert A.record["recorded graphs"] == A.record["kept graphs"] + A.record["recomputed"] == len(problem.chunks)
    assert close(A.rows(V), expected)


def test_only_large_graphs_are_recorded():
    small = _wide(10**8)
    X, y = (torch.cat(parts) for parts in zip(*small.chunks, strict=True))
    large = Problem(small.model, small.loss, (X.repeat(10, 1), y.repeat(10)))
    v = torch.ones(small.size, dtype=torch.float64)
    assert hessian(small).record["recorded graphs"] == 0
    for keep in (True, False):
        H = hessian(large, keep=keep)
        assert H.record["recorded graphs"] == 1
        assert close(H.matvec(v), hessian(small).matvec(v), 1e-12)


def test_a_product_made_anew_from_a_recording_holds_nothing_and_takes_no_more_memory(monkeypatch):
    small = _wide(10**8)
    X, y = (torch.cat(parts) for parts in zip(*small.chunks, strict=True))
    large = Problem(small.model, small.loss, (X.repeat(10, 1), y.repeat(10)))
    v = torch.ones(large.size, dtype=torch.float64)
    graph = hessian(large).record["kept bytes"]
    with Ledger() as ledger:
        A = hessian(large, keep=False)
    assert A.record["recorded graphs"] == 1
    assert ledger.peak <= products.TEMPORARY * graph
    assert ledger.alive() < 0.01 * graph
    monkeypatch.setattr(products, "TAPE_BYTES", 10**9)
    plain = hessian(large, keep=False)
    assert plain.record["recorded graphs"] == 0
    assert _peak(lambda: A.matvec(v))[1] <= 1.1 * _peak(lambda: plain.matvec(v))[1]


def test_a_recording_that_misses_an_operation_is_refused():
    """A dependence that goes through numbers is not seen: its part of the first product would stay."""
    v = torch.tensor([1.0, 2.0, 4.0])
    u = v.roll(1)
    assert recorded(lambda v: 2 * v + torch.tensor(v.tolist()), v) is None
    assert torch.equal(recorded(lambda v: 2 * v + v.roll(2), v)(u), 2 * u + u.roll(2))
    assert recorded(lambda v: torch.zeros(3).copy_(v), v) is None
    assert recorded(lambda v: torch.ones(3), v) is None


def _flops(work):
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda p: hessian(p), 1.6),
        (lambda p: hessian(p, keep=False), 2.6),
        (lambda p: noise_covariance(p), 1.3),
        (lambda p: noise_covariance(p, keep=False), 2.0),
    ],
    ids=["kept", "recomputed", "noise", "noise recomputed"],
)
def test_a_product_takes_few_matrix_multiplications(make, most):
    """In multiplications of one gradient; a noise product that carries a second derivative along takes 3."""
    problem = _wide(10**8)
    v = torch.ones(problem.size, dtype=torch.float64)
    A = make(problem)
    assert 0.5 < _flops(lambda: A.matvec(v)) / _flops(lambda: problem.gradient()) < most
