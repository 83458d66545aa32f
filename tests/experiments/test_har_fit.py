"""Training in two stages: what it finds, keeps, refuses, and how each step is made."""

import math

import pytest
import torch
from har_cases import Words, line, net, two_halves
from torch import nn
from torch.func import functional_call

from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har import JacobianPenalty, Recipe, group_noise, har_fit, har_strengths
from inertialab.experiments.har.fit import steps_of, train

SHORT = Recipe(steps=120, eta=0.03)


def test_two_stages_find_the_noisy_group_and_regularise_it_more():
    x, y, groups = two_halves()
    ticks = []
    found = har_fit(net(), (x, y), groups, recipe=SHORT, grid=(1e-3, 1e-1), tick=ticks.append)
    assert len(ticks) == steps_of(SHORT, (1e-3, 1e-1), 2)
    assert found.noise.noise[1] > 4 * found.noise.noise[0]
    assert found.strengths[1] > 1 > found.strengths[0]
    assert found.strengths.log().sum() == pytest.approx(0, abs=1e-12)
    assert {arm: set(curve) for arm, curve in found.held_out.items()} == {
        "uniform": {1e-3, 1e-1},
        "har": {1e-3, 1e-1},
    }
    assert found.held_out["uniform"][found.uniform].tolist() == found.noise.noise.tolist()
    assert (found.model(x)[:, 0] - y).square().mean() < y.var()


def test_what_is_kept_is_not_trained_again_and_gives_the_same_numbers():
    x, y, groups = two_halves()
    kept, ticks = {}, []
    options = {"recipe": SHORT, "grid": (1e-2,), "seed": 3}
    whole = har_fit(net(), (x, y), groups, kept=kept, **options)
    part = dict(list(kept.items())[:3])
    again = har_fit(net(), (x, y), groups, kept=part, tick=ticks.append, **options)
    assert sum(ticks) == steps_of(SHORT, (1e-2,), 2)
    assert len(ticks) == 2 * SHORT.steps + 3
    assert torch.equal(whole.model(x), again.model(x))
    assert whole.strengths.tolist() == again.strengths.tolist()


def test_classes_are_fitted_too():
    x, y, groups = two_halves()
    labels = (y > 0.5).long()
    found = har_fit(net(2), (x, labels), groups, recipe=SHORT, grid=(1e-3,))
    assert (found.model(x).argmax(1) == labels).double().mean() > 0.7
    assert 0 < found.noise.noise.min() < 0.5


def test_batches_and_a_strong_penalty_flatten_the_model():
    x, y, _ = two_halves()
    recipe = Recipe(steps=150, eta=0.03, batch=32)
    flat, free = (
        train(net(), x, y, torch.full((len(x),), s, dtype=x.dtype), recipe, torch.Generator().manual_seed(0))
        for s in (10.0, 0.0)
    )
    assert JacobianPenalty(flat, ["input"])(x).mean() < 0.02 * JacobianPenalty(free, ["input"])(x).mean()
    fixed = functional_call(net(), dict(net().named_parameters()), (x,))
    assert torch.equal(net()(x), fixed)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"grid": ()}, "Strengths of a grid must be positive"),
        ({"grid": (0.0,)}, "Strengths of a grid must be positive"),
        ({"groups": torch.zeros(5)}, "one target and one group an example; got 160, 160, 5"),
        ({"groups": torch.tensor([0] * 158 + [1] * 2)}, "Group 1 has 2 examples"),
    ],
)
def test_two_stages_refuse_what_they_cannot_do(changes, sentence):
    x, y, groups = two_halves()
    changes = {"groups": groups, "grid": (1e-2,), **changes}
    with pytest.raises(WrongInputError, match=sentence):
        har_fit(net(), (x, y), changes["groups"], recipe=SHORT, grid=changes["grid"])


def test_a_training_that_runs_away_says_so():
    x, y, groups = two_halves()
    with pytest.raises(FloatingPointError, match="take a smaller learning rate"):
        har_fit(net(), (x * 1e200, y * 1e200), groups, recipe=Recipe(steps=100, eta=1.0), grid=(1e-2,))


@pytest.mark.parametrize("steps", [3, 100])
def test_a_training_that_ends_in_what_is_not_finite_says_so_however_short(steps):
    x, y, _ = two_halves()
    y[0] = torch.nan
    with pytest.raises(FloatingPointError, match=f"not finite after {steps} steps"):
        train(net(), x, y, torch.ones(len(x)), Recipe(steps=steps))


def test_words_are_penalised_as_much_as_numbers():
    """Whole numbers as inputs must not round the strengths down to 0."""
    words, labels = torch.arange(80).reshape(40, 2) % 9, torch.arange(40) % 2
    recipe = Recipe(steps=5, layers=("table",), of="loss")
    torch.manual_seed(0)
    model, groups = Words().double(), torch.arange(40) // 20
    one, other = (har_fit(model, (words, labels), groups, recipe=recipe, grid=(s,)).model for s in (1e-6, 0.3))
    assert not torch.equal(one(words), other(words))


def test_strengths_that_are_nearly_the_same_are_two_trainings():
    x, y, groups = two_halves()
    kept = {}
    har_fit(net(), (x, y), groups, recipe=Recipe(steps=2), grid=(0.01, 0.010000001), kept=kept)
    assert len(kept) == 2 * 2 * 2


def test_a_fit_leaves_the_model_and_the_global_stream_alone_and_is_the_same_again():
    x, y, groups = two_halves()
    model = net()
    before, stream = [p.clone() for p in model.parameters()], torch.get_rng_state()
    one, other = (har_fit(model, (x, y), groups, recipe=Recipe(steps=5, batch=16), grid=(0.01,)) for _ in range(2))
    assert torch.equal(one.model(x), other.model(x))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert torch.equal(stream, torch.get_rng_state())
    changed = har_fit(model, (x, y), groups, recipe=Recipe(steps=5, batch=16), grid=(0.01,), seed=1)
    assert not torch.equal(one.model(x), changed.model(x))


@pytest.mark.parametrize("folds", [0, 1])
def test_cross_fitting_takes_two_folds(folds):
    x, y, groups = two_halves()
    with pytest.raises(WrongInputError, match=f"at least 2 folds, got {folds}"):
        har_fit(net(), (x, y), groups, recipe=SHORT, folds=folds)
    with pytest.raises(WrongInputError, match="at least 2 folds"):
        group_noise(line, x[:, 0], y, groups, folds=folds)


def test_targets_are_one_number_an_example():
    x, y, groups = two_halves()
    with pytest.raises(WrongInputError, match=r"got targets of shape \[160, 2\]"):
        har_fit(net(2), (x, torch.stack([y, y], 1)), groups, recipe=SHORT)
    column = har_fit(net(), (x, y[:, None]), groups, recipe=Recipe(steps=3), grid=(0.01,))
    row = har_fit(net(), (x, y), groups, recipe=Recipe(steps=3), grid=(0.01,))
    assert torch.equal(column.model(x), row.model(x))


@pytest.mark.parametrize("of", ["output", "loss"])
@pytest.mark.parametrize("classes", [False, True])
def test_strengths_of_a_fit_are_those_of_its_loss_and_of_what_is_differentiated(of, classes):
    x, y, groups = two_halves()
    found = har_fit(
        net(2 if classes else 1),
        (x, (y > 0.5).long() if classes else y),
        groups,
        recipe=Recipe(steps=3, of=of),
        grid=(0.01,),
    )
    loss = "logistic" if classes else "squared"
    assert found.strengths.tolist() == har_strengths(found.noise.noise, found.noise.counts, loss, of).tolist()


class Watched(nn.Module):
    """A line through 0 that notes its inputs and its slope at every pass; copies note into the same lists."""

    def __init__(self, inputs, slopes):
        super().__init__()
        self.only = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.only.weight)
        self.note = lambda x, w: (inputs.append(x), slopes.append(w))

    def forward(self, x):
        self.note(x.detach().clone()[:, 0], self.only.weight.item())
        return self.only(x)


def test_the_learning_rate_falls_like_a_cosine():
    """Adam's steps under a gradient that hardly changes are its learning rates."""
    slopes, steps = [], 20
    x, y = torch.ones(4, 1), torch.full((4,), 1e6)
    train(Watched([], slopes), x, y, torch.zeros(4), Recipe(steps=steps, eta=0.01))
    found = torch.tensor(slopes).diff()
    expected = torch.tensor([0.005 * (1 + math.cos(math.pi * k / steps)) for k in range(steps - 1)])
    assert torch.allclose(found, expected, rtol=1e-3)


def test_a_batch_is_drawn_evenly_from_all_rows_and_anew_in_each_step():
    rows, steps = 40, 300
    x, seen = torch.arange(rows)[:, None].float(), []
    generator = torch.Generator().manual_seed(0)
    train(Watched(seen, []), x, torch.zeros(rows), torch.zeros(rows), Recipe(steps=steps, batch=10), generator)
    counts = torch.bincount(torch.cat(seen).long(), minlength=rows).double()
    mean = steps * 10 / rows
    assert counts.sum() == steps * 10
    # Drawn with equal chances, the sum is chi-squared of 39 degrees of freedom: beyond 12 and 85 in one run of 10^5.
    assert 12 < ((counts - mean) ** 2 / mean).sum() < 85
    assert len({tuple(batch.tolist()) for batch in seen}) == steps


def test_all_rows_are_taken_where_there_are_no_more_than_a_batch():
    x, seen = torch.arange(10)[:, None].float(), []
    train(Watched(seen, []), x, torch.zeros(10), torch.zeros(10), Recipe(steps=3, batch=10))
    assert all(torch.equal(batch, x[:, 0]) for batch in seen)


def test_the_factor_is_the_one_of_least_residuals_each_over_its_groups_noise():
    """Predictions of two factors: one serves the clean group, the other the noisy one, which has most of the error."""
    x, groups = torch.arange(20)[:, None].double(), torch.arange(20) // 10
    y = torch.zeros(20).double()
    misses = {
        "uniform": {0.01: (0.1, 1.0), 0.1: (0.2, 2.0)},  # the noise of the groups: 0.01 and 1
        "har": {0.01: (0.05, 1.0), 0.1: (0.2, 0.9)},
    }
    kept = {
        f"{arm} {factor!r} {fold}": torch.tensor(each).double().repeat_interleave(5)
        for arm, curve in misses.items()
        for factor, each in curve.items()
        for fold in (0, 1)
    }
    found = har_fit(net(), (x, y), groups, recipe=Recipe(steps=1), grid=(0.01, 0.1), kept=kept)
    assert found.noise.noise.tolist() == pytest.approx([0.01, 1.0])
    assert found.uniform == 0.01
    totals = {factor: curve.sum() for factor, curve in found.held_out["har"].items()}
    assert totals[0.1] < totals[0.01]
    assert found.factor == 0.01
