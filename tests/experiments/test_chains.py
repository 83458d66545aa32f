"""Chains: each is one training under an optimizer of its own; starts, buffers, batches, checkpoints, observers."""

import pytest
import torch

from inertialab.experiments import models
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Average, Chains, Crossings, Projections
from inertialab.optim import OPTIMIZERS

BETA = {"momentum-torch", "momentum-ema", "heavy-ball"}
SAMPLING = ["with replacement", "without replacement", "shuffled epochs", "full batch"]


@pytest.fixture
def problem(generator):
    """A network of 23 parameters on 24 samples."""
    X = torch.randn(24, 3, dtype=torch.float64, generator=generator)
    return Problem(models.tanh_mlp(3, 3, generator, 3), X, torch.randint(3, (24,), generator=generator), l2=0.05)


def settings(name):
    """A learning rate, and momentum where there is no default."""
    return {"eta": 0.05} | ({"beta": 0.8} if name in BETA else {})


def chains(problem, name="sgd", seed=1, count=4, **changes):
    """A few chains from places of their own."""
    places = torch.Generator().manual_seed(5)
    start = problem.start + 0.3 * torch.randn(count, len(problem.start), dtype=torch.float64, generator=places)
    options = {"batch": 6, "generator": torch.Generator().manual_seed(seed)} | changes
    return Chains(problem, name, settings(name), start, **options)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_chain_is_a_training_of_its_own(problem, name):
    """Rows of one tensor move as parameters under separate optimizers that are given the same gradients."""
    together = chains(problem, name)
    alone = [row.clone() for row in together.theta]
    optimizers = [OPTIMIZERS[name].make([p], **settings(name)) for p in alone]
    for _ in range(25):
        together.step()
        for p, gradient, optimizer in zip(alone, together.gradient, optimizers, strict=True):
            p.grad = gradient.clone()
            optimizer.step()
    assert not torch.equal(together.theta[0], together.before[0])
    assert torch.allclose(together.theta, torch.stack(alone), rtol=1e-12, atol=1e-14)


def test_adai_of_one_chain_does_not_know_the_others(problem):
    """One mean over all chains, which the optimizer would make of a single tensor, gives other steps."""
    together = chains(problem, "adai")
    joined = together.theta.clone()
    optimizer = OPTIMIZERS["adai"].make([joined], **settings("adai"))
    for _ in range(5):
        together.step()
        joined.grad = together.gradient.clone()
        optimizer.step()
    assert not torch.allclose(together.theta, joined, rtol=1e-6)


def test_adai_of_rows_takes_rows_without_gradients(problem):
    """Where all second moments of a row are zero its shares are equal, as for a model of its own."""
    dead = chains(problem, "adai")
    dead.gradient = torch.zeros_like(dead.theta)
    dead.gradient[0] = 1.0
    dead.theta.grad = dead.gradient
    start = dead.theta.clone()
    dead.optimizer.step()
    assert torch.equal(dead.theta[1:], start[1:])
    assert torch.allclose(dead.theta[0], start[0] - 0.05)


@pytest.mark.parametrize("name", ["sgd", "adam", "adai", "momentum-ema"])
@pytest.mark.parametrize("sampling", SAMPLING)
def test_a_checkpoint_goes_on_bit_for_bit(problem, name, sampling):
    whole = chains(problem, name, sampling=sampling).warm(3).run(9)
    first = chains(problem, name, sampling=sampling).warm(3).run(5)
    later = chains(problem, name, seed=2, sampling=sampling)
    later.load_state_dict(first.state_dict())
    first.run(1)  # goes on after the state was taken, and must not change it
    assert torch.equal(later.run(4).theta, whole.theta)
    assert later.steps == 9


@pytest.mark.parametrize("sampling", SAMPLING)
def test_gradients_are_those_of_the_drawn_samples(problem, sampling):
    some = chains(problem, sampling=sampling)
    twin = chains(problem, sampling=sampling)
    indices = next(twin.batches)
    assert torch.equal(some.draw(), problem.batch_gradients(some.theta, indices))
    if sampling == "full batch":
        assert torch.allclose(some.draw()[2], problem.gradient(some.theta[2]), rtol=1e-12)


def test_warm_chains_do_not_move_and_carry_what_gradients_here_make(problem):
    """The buffer is an average of 400 gradients at one place, the second moment that of their squares."""
    warm = chains(problem, "adam", batch=1)
    start = warm.theta.clone()
    warm.warm(3000)
    assert torch.equal(warm.theta, start)
    assert warm.steps == 0
    seen = torch.stack([warm.draw() for _ in range(3000)])
    corrected = warm.state["exp_avg_sq"] / (1 - 0.999**3000)
    assert (corrected.mean(1) / seen.square().mean((0, 2))).sub(1).abs().max() < 0.2
    assert float(warm.state["step"]) == 3000
    moved = warm.run(1).theta
    assert (moved - start).abs().max() > 1e-3


def test_given_buffers_move_the_first_step(problem):
    given = chains(problem, "momentum-torch").give(momentum_buffer=2.0).run(1)
    plain = chains(problem, "momentum-torch").run(1)
    assert torch.allclose(plain.theta - given.theta, torch.full_like(given.theta, 0.05 * 0.8 * 2.0))
    assert torch.equal(given.buffer, 0.8 * 2.0 + given.gradient)
    with pytest.raises(ValueError, match="no 'exp_avg_sq' to set; the optimizer carries momentum_buffer"):
        given.give(exp_avg_sq=1.0)
    with pytest.raises(ValueError, match="the optimizer carries nothing"):
        chains(problem, "adam").give(exp_avg_sq=1.0)
    adam = chains(problem, "adam").warm(1).give(exp_avg_sq=4.0, exp_avg=0.0, step=1e9).run(1)
    step = 0.05 * 0.1 * adam.gradient / (4 * 0.999 + 0.001 * adam.gradient**2).sqrt()
    assert torch.allclose(adam.before - adam.theta, step)


def test_noisy_labels_are_what_is_trained_on(problem):
    noisy = chains(problem, relabel=lambda targets, _: (targets + 1) % 3)
    indices = next(chains(problem).batches)
    wrong = Problem(problem.model, problem.inputs, (problem.targets + 1) % 3, problem.l2)
    assert torch.equal(noisy.draw(), wrong.batch_gradients(noisy.theta, indices))


def test_observers_see_every_step_and_keep_what_they_say(problem):
    some = chains(problem)
    origin, basis = problem.start, torch.eye(len(problem.start), dtype=torch.float64)[:, :2]
    seen = Projections(origin, basis, every=2)
    velocity = Average(lambda c: ((c.theta - c.before) @ basis).square())
    crossed = Crossings(origin, basis[:, 0], 0.2)
    path = [(some.theta - origin) @ basis]
    for _ in range(6):
        some.run(1, seen, velocity, crossed)
        path.append((some.theta - origin) @ basis)
    path = torch.stack(path)
    assert torch.equal(torch.as_tensor(seen.samples), path[2::2])
    assert torch.allclose(torch.as_tensor(velocity.mean), path.diff(dim=0).square().mean(0))
    beyond = path[1:, :, 0].abs() > 0.2
    first = [next((t + 1 for t in range(6) if beyond[t, i]), -1) for i in range(4)]
    assert crossed.times.tolist() == first
    assert crossed.exposure == sum(t if t > 0 else 6 for t in first)
    assert 0 < crossed.events < 4
    with pytest.raises(ValueError, match="run at least 3 steps"):
        _ = Average(lambda c: c.theta, every=3).mean
