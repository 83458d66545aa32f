"""Eigenpairs against closed forms."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inertialab.verification.measure import (
    Operator,
    Problem,
    hessian,
    top_eigenpairs,
)


def symmetric(values, generator):
    n = len(values)
    Q = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))[0]
    return Q @ torch.diag(torch.as_tensor(values, dtype=torch.float64)) @ Q.T


@pytest.mark.parametrize(
    ("which", "expected"), [("LA", [9.0, 4.0, 1.0]), ("SA", [-20.0, 0.1, 0.2]), ("LM", [-20.0, 9.0, 4.0])]
)
def test_which_names_the_end_of_the_spectrum(which, expected, generator):
    A = symmetric([9.0, 4.0, 1.0, 0.5, 0.2, 0.1, -20.0], generator)
    pairs = top_eigenpairs(Operator.of_matrix(A), 3, which, rtol=1e-9, generator=generator)
    assert pairs.values.tolist() == pytest.approx(expected, rel=1e-9)
    assert pairs.converged


@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), k=st.integers(1, 4))
def test_pairs_are_orthonormal_and_residuals_bound_the_error(seed, n, k):
    generator = torch.Generator().manual_seed(seed)
    k = min(k, n)
    A = symmetric(torch.randn(n, dtype=torch.float64, generator=generator), generator)
    pairs = top_eigenpairs(Operator.of_matrix(A), k, rtol=1e-8, generator=generator)
    exact = torch.linalg.eigvalsh(A).flip(0)[:k]
    assert torch.allclose(pairs.vectors.T @ pairs.vectors, torch.eye(k, dtype=torch.float64), atol=1e-10)
    residuals = (A @ pairs.vectors - pairs.vectors * pairs.values).norm(dim=0)
    assert torch.allclose(residuals, pairs.residuals, atol=1e-12)
    assert ((pairs.values - exact).abs() <= pairs.residuals + 1e-7 * exact.abs().max()).all()


def test_repeated_eigenvalues_are_found_as_often_as_they_occur(generator):
    A = symmetric([3.0, 3.0, 3.0, 1.0, 1.0, 0.0], generator)
    pairs = top_eigenpairs(Operator.of_matrix(A), 4, rtol=1e-9, generator=generator)
    assert pairs.values.tolist() == pytest.approx([3.0, 3.0, 3.0, 1.0])


def test_the_zero_operator_has_zero_eigenvalues(generator):
    pairs = top_eigenpairs(Operator.of_matrix(torch.zeros(4, 4, dtype=torch.float64)), 2, generator=generator)
    assert pairs.values.abs().max() == 0


def test_a_tolerance_that_is_not_met_is_reported(generator):
    A = symmetric(torch.linspace(0.9, 1, 200), generator)
    pairs = top_eigenpairs(Operator.of_matrix(A), 3, rtol=1e-12, generator=generator, max_matvecs=8)
    assert not pairs.converged
    assert pairs.residuals.max() > 1e-6
    assert pairs.matvecs == 8


def test_wrong_requests_are_refused(generator):
    A = Operator.of_matrix(torch.eye(3, dtype=torch.float64))
    with pytest.raises(ValueError, match="k must be between 1 and the number of parameters, 3; got 4"):
        top_eigenpairs(A, 4, generator=generator)
    with pytest.raises(ValueError, match="which must be 'LA', 'SA' or 'LM', got 'largest'"):
        top_eigenpairs(A, 1, "largest", generator=generator)  # pyright: ignore[reportArgumentType]
    broken = Operator(3, lambda rows: rows / 0)
    with pytest.raises(ValueError, match="A product with the operator is not finite"):
        top_eigenpairs(broken, 1, generator=generator)


def test_hessian_eigenpairs_are_those_of_the_full_matrix(trained, generator):
    problem, at = trained
    full = torch.func.hessian(problem.value)(at)
    exact = torch.linalg.eigvalsh(full).flip(0)
    pairs = top_eigenpairs(hessian(Problem.of(problem, at)), 5, rtol=1e-8, generator=generator)
    assert pairs.values.tolist() == pytest.approx(exact[:5].tolist(), rel=1e-8)
    assert (full @ pairs.vectors - pairs.vectors * pairs.values).norm(dim=0).max() < 1e-6


def test_the_residuals_are_those_of_the_products_in_every_precision(generator):
    A = symmetric(torch.linspace(-3, 5, 60) ** 3, generator)
    for matrix in (A, A.float()):
        pairs = top_eigenpairs(Operator.of_matrix(matrix), 4, rtol=1e-2, generator=generator, max_matvecs=25)
        direct = (matrix @ pairs.vectors - pairs.vectors * pairs.values.to(matrix)).norm(dim=0)
        assert direct.tolist() == pytest.approx(pairs.residuals.tolist(), rel=1e-2, abs=pairs.resolution)


def test_an_operator_that_is_not_symmetric_is_refused(generator):
    lopsided = torch.randn(30, 30, dtype=torch.float64, generator=generator)
    with pytest.raises(ValueError, match="The operator is not symmetric"):
        top_eigenpairs(Operator(30, lambda rows: rows @ lopsided), 2, generator=generator)


def test_a_good_start_saves_products(generator):
    A = symmetric(torch.linspace(0, 1, 200) ** 8, generator)
    cold = top_eigenpairs(Operator.of_matrix(A), 1, rtol=1e-6, generator=generator)
    warm = top_eigenpairs(Operator.of_matrix(A), 1, rtol=1e-6, generator=generator, start=cold.vectors[:, 0])
    assert warm.matvecs < cold.matvecs / 3
    with pytest.raises(ValueError, match="A start vector must be finite and not zero"):
        top_eigenpairs(Operator.of_matrix(A), 1, generator=generator, start=torch.zeros(200))


def test_float32_says_which_signs_it_cannot_tell(generator):
    A = symmetric([1.0, 0.5, 1e-9, -1e-9, -1e-8, -0.3], generator)
    single = top_eigenpairs(Operator.of_matrix(A.float()), 6, generator=generator)
    assert single.signs_known.tolist() == [True, True, False, False, False, True]
    assert "In float32 the sign of an eigenvalue below 9.5e-07" in single.note
    double = top_eigenpairs(Operator.of_matrix(A), 6, rtol=1e-13, generator=generator)
    assert double.signs_known.all()
    assert double.note == ""


def test_a_basis_that_does_not_fit_is_cut_short_and_said_so(generator):
    A = symmetric(torch.linspace(0.9, 1, 100), generator)
    small = Operator(100, lambda rows: rows @ A, max_bytes=10 * 800)
    pairs = top_eigenpairs(small, 3, rtol=1e-9, generator=generator)
    assert pairs.matvecs == 10
    assert "Not converged" in pairs.note
    with pytest.raises(ValueError, match="11 pairs need as many vectors"):
        top_eigenpairs(small, 11, generator=generator)


def test_there_are_no_ghosts_after_300_products(generator):
    """Without reorthogonalisation copies of the outliers would appear."""
    A = symmetric(torch.cat([torch.tensor([50.0, 40.0, 30.0]), torch.linspace(0, 1, 397)]), generator)
    for matrix in (A, A.float()):
        pairs = top_eigenpairs(Operator.of_matrix(matrix), 5, rtol=1e-30, generator=generator, max_matvecs=300)
        assert pairs.values[:3].tolist() == pytest.approx([50, 40, 30], rel=1e-5)
        assert pairs.values[3] <= 1 + 1e-5


@pytest.mark.parametrize("which", ["LA", "SA", "LM"])
@pytest.mark.parametrize("seed", range(4))
def test_copies_are_found_inside_a_spectrum_that_is_not_exhausted(which, seed):
    """Seven copies of the outermost, five of the next, in both directions, above a bulk of single eigenvalues."""
    generator = torch.Generator().manual_seed(seed)
    outer = torch.tensor([5.0] * 7 + [3.0] * 5 + [-4.0] * 7 + [-2.0] * 5)
    A = symmetric(torch.cat([outer, torch.linspace(-1, 1, 376)]), generator)
    expected = {"LA": [5.0] * 7 + [3.0] * 3, "SA": [-4.0] * 7 + [-2.0] * 3, "LM": [5.0] * 7 + [-4.0] * 3}[which]
    pairs = top_eigenpairs(Operator.of_matrix(A), 10, which, generator=generator)
    assert pairs.converged
    assert pairs.values.tolist() == pytest.approx(expected, rel=1e-5)
    assert pairs.matvecs < 250
    residuals = (A @ pairs.vectors - pairs.vectors * pairs.values).norm(dim=0)
    assert torch.allclose(residuals, pairs.residuals, atol=1e-12)


@pytest.mark.parametrize("copied", [None, 0, 4, 8])
def test_copies_show_beside_a_random_start_at_the_cost_of_few_products(copied):
    """Outliers that run into each other: a copy of any of them is found, and that there is none costs few products."""
    values = 0.02 * torch.randn(3000, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    values[:40] = 10 * 0.9 ** torch.arange(40)
    if copied is not None:
        values[-1] = values[copied]
    wanted = values.abs().sort(descending=True).values[:10]
    products = []
    for seed in range(10):
        A = Operator(3000, lambda rows: rows * values)
        pairs = top_eigenpairs(A, 10, "LM", generator=torch.Generator().manual_seed(seed))
        assert pairs.converged
        assert pairs.values.abs().tolist() == pytest.approx(wanted.tolist(), rel=1e-5)
        products.append(pairs.matvecs)
    assert sum(products) / 10 < (36 if copied is None else 50)


def test_a_slow_convergence_pays_for_the_search_for_copies(generator):
    """The last pair needs its neighbour to be resolved; meanwhile it shows that there are no copies."""
    values = torch.cat([torch.linspace(10, 1, 9), torch.tensor([0.9, 0.88]), torch.linspace(-0.8, 0.8, 4989)]).double()
    A = Operator(5000, lambda rows: rows * values)
    pairs = top_eigenpairs(A, 10, "LA", generator=generator)
    assert pairs.values.tolist() == pytest.approx(values[:10].tolist(), rel=1e-5)
    short = top_eigenpairs(A, 10, "LA", generator=torch.Generator().manual_seed(0), max_matvecs=pairs.matvecs - 3)
    assert short.residuals.max() > 1e-3 * 0.9
    assert pairs.record["none hidden beyond"] < values[7]  # all but the last two pairs are proven to be single


def test_a_linear_layer_of_ten_outputs_has_ten_copies_of_each(generator):
    X = torch.randn(200, 30, dtype=torch.float64, generator=generator) * torch.linspace(3, 0.1, 30)
    layer = torch.nn.Linear(30, 10).double()
    H = hessian(Problem(layer, torch.nn.functional.mse_loss, (X, torch.zeros(200, 10, dtype=torch.float64))))
    exact = torch.linalg.eigvalsh(H.to_dense()).flip(0)
    for k in (10, 15):
        pairs = top_eigenpairs(H, k, generator=generator)
        assert pairs.converged
        assert pairs.values.tolist() == pytest.approx(exact[:k].tolist(), rel=1e-5)


@pytest.mark.parametrize("size", [200, 20_000])
@pytest.mark.parametrize("seed", range(5))
def test_a_start_on_a_branch_that_was_overtaken_is_left(size, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.linspace(0, 1, size, dtype=torch.float64)
    values[:2] = torch.tensor([5.0, 6.0])
    start = torch.zeros(size, dtype=torch.float64)
    start[0] = 1
    A = Operator(size, lambda rows: rows * values)
    for vector in (start, start + 1e-3 * torch.randn(size, dtype=torch.float64, generator=generator) / size**0.5):
        pairs = top_eigenpairs(A, 1, rtol=1e-2, generator=generator, start=vector)
        assert pairs.converged
        assert float(pairs.values[0]) == pytest.approx(6.0, rel=1e-3)
        assert pairs.record["none hidden beyond"] < 8


def test_pairs_that_were_not_challenged_are_not_converged(generator):
    A = symmetric(torch.cat([torch.tensor([5.0] * 3), torch.linspace(0, 1, 97)]), generator)
    whole = top_eigenpairs(Operator.of_matrix(A), 3, generator=generator)
    assert whole.converged
    short = top_eigenpairs(Operator.of_matrix(A), 3, generator=generator, max_matvecs=whole.matvecs - 1)
    assert not short.converged


def test_a_runner_up_helps_the_next_challenge(generator):
    """A branch that hardly stands out is missed by few random products, and not by those that go on from before."""
    values = torch.linspace(0, 1, 5000, dtype=torch.float64)
    values[:2] = torch.tensor([1.5, 1.6])
    A, start = Operator(5000, lambda rows: rows * values), torch.zeros(5000, dtype=torch.float64)
    start[0] = 1
    for trial in range(8):
        pairs = top_eigenpairs(A, 1, rtol=1e-2, generator=generator, start=start)
        if trial == 0:
            assert float(pairs.values[0]) == pytest.approx(1.5, rel=1e-3)
            assert pairs.record["none hidden beyond"] > 1.6
        assert pairs.runner_up is not None
        start = torch.stack([pairs.vectors[:, 0], pairs.runner_up])
    assert float(pairs.values[0]) == pytest.approx(1.6, rel=1e-3)
