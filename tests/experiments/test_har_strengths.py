"""Strengths beside their definition, and the noise of groups by cross-fitting."""

import pytest
import torch
from har_cases import line
from hypothesis import given
from hypothesis import strategies as st

from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har import group_noise, har_strengths
from inertialab.experiments.har.strengths import EXPONENTS, folds_of

POSITIVE = st.lists(st.tuples(st.floats(1e-3, 1e3), st.integers(1, 10**6)), min_size=1, max_size=6)


@given(groups=POSITIVE, rule=st.sampled_from(list(EXPONENTS)))
def test_strengths_are_powers_of_geometric_mean_one(groups, rule):
    noise, counts = (torch.tensor(v, dtype=torch.float64) for v in zip(*groups, strict=True))
    found = har_strengths(noise, counts, *rule)
    assert found.log().mean() == pytest.approx(0, abs=1e-12)
    expected = noise ** EXPONENTS[rule] * counts**-0.4
    assert torch.allclose(found / found[0], expected / expected[0], rtol=1e-9)


def test_a_penalty_of_the_loss_carries_one_power_of_the_noise_already():
    for loss in ("logistic", "squared"):
        assert EXPONENTS[loss, "output"] - EXPONENTS[loss, "loss"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("noise", "counts", "options", "sentence"),
    [
        ([1.0, 0.0], [5, 5], {}, "Group 1 has noise 0; a strength needs one that is positive and finite"),
        ([1.0, float("nan")], [5, 5], {}, "Group 1 has noise nan"),
        ([1.0, 2.0], [5, 0], {}, "Group 1 has count 0"),
        ([1.0], [5, 5], {}, "one noise and one count a group"),
        ([1.0], [5], {"loss": "hinge"}, "got 'hinge', 'output'"),
    ],
)
def test_strengths_refuse_what_has_none(noise, counts, options, sentence):
    with pytest.raises(WrongInputError, match=sentence):
        har_strengths(torch.tensor(noise), torch.tensor(counts), **options)


def test_noise_of_a_group_is_that_of_held_out_residuals():
    generator = torch.Generator().manual_seed(5)
    n = 4000
    x, groups = torch.rand(n, generator=generator).double(), torch.arange(n) % 2 + 3
    sigma = torch.where(groups == 3, 0.1, 1.0)
    y = 2 - x + sigma * torch.randn(n, generator=generator).double()
    found = group_noise(line, x, y, groups, generator=generator)
    assert found.groups.tolist() == [3, 4]
    assert found.counts.tolist() == [2000, 2000]
    assert torch.all((found.noise - torch.tensor([0.01, 1.0])).abs() < 4 * found.errors)
    assert torch.allclose(found.errors, found.noise * (2 / 2000) ** 0.5, rtol=0.2)


def memory(x, y):
    """Knows its own examples and nothing else."""
    known = dict(zip(x.tolist(), y.tolist(), strict=True))
    return lambda at: torch.tensor([known.get(v, 0.0) for v in at.tolist()])


def test_no_example_is_predicted_by_a_fit_that_has_seen_it():
    x, y = torch.arange(40).double(), torch.ones(40).double()
    assert group_noise(memory, x, y, torch.arange(40) % 2, folds=4).noise.tolist() == [1.0, 1.0]


def test_noise_of_classes_is_the_variance_of_a_label_summed_over_them():
    generator = torch.Generator().manual_seed(6)
    y = (torch.rand(20_000, generator=generator) < 0.2).long()
    found = group_noise(
        lambda x, y: lambda at: torch.tensor([[0.8, 0.2]]).expand(len(at), 2), y.double(), y, torch.zeros(20_000)
    )
    assert found.noise[0] == pytest.approx(2 * 0.8 * 0.2, abs=4 * float(found.errors[0]))


def test_folds_hold_an_even_share_of_every_group():
    groups = torch.tensor([0] * 9 + [1] * 30)
    fold = folds_of(groups, 3, torch.Generator().manual_seed(0))
    assert torch.bincount(fold[groups == 0]).tolist() == [3, 3, 3]
    assert torch.bincount(fold[groups == 1]).tolist() == [10, 10, 10]
    with pytest.raises(WrongInputError, match="Group 1 has 3 examples; cross-fitting in 2 folds takes 4"):
        folds_of(torch.tensor([0] * 8 + [1] * 3), 2)
