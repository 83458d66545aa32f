"""CPU and CUDA give the same numbers: optimizers, gradients of chains, curvature, noise."""

import pytest
import torch

from inertialab.experiments.campaign.networks import network
from inertialab.experiments.models import MODELS
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure import Problem, hessian, noise_covariance_in, noise_trace, top_eigenpairs, trace
from inertialab.verification.measure.budget import spare

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
BOTH = (torch.device("cpu"), torch.device("cuda"))
SETTINGS = {"eta": 0.01}


def trained(model: str, device: torch.device) -> TrainingProblem:
    generator = torch.Generator().manual_seed(0)
    net = MODELS[model](9, 3, generator).to(device)
    inputs = torch.randn(120, 9, dtype=torch.float64, generator=generator).to(device)
    return TrainingProblem(net, inputs, torch.arange(120, device=device) % 3, 0.01)


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_every_optimizer_makes_the_same_steps(row, dtype):
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(s, generator=generator, dtype=dtype) for s in ((30, 40), (7,), ())]
    gradients = [[torch.randn(x.shape, generator=generator, dtype=dtype) for x in start] for _ in range(30)]
    settings = SETTINGS | ({"beta": 0.9} if row.name.startswith(("momentum", "heavy")) else {})
    ends = []
    for device in BOTH:
        params = [x.clone().to(device).requires_grad_() for x in start]
        optimizer = row.make(params, **settings)
        for given in gradients:
            for p, g in zip(params, given, strict=True):
                p.grad = g.to(device)
            optimizer.step()
        ends.append(torch.cat([p.detach().cpu().flatten() for p in params]))
    assert not torch.equal(ends[0], torch.cat([x.flatten() for x in start]))
    torch.testing.assert_close(*ends, rtol=1e-9 if dtype == torch.float64 else 1e-4, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_gradients_of_chains_are_the_same(model):
    flats, indices = torch.randn(5, len(trained(model, BOTH[0]).start), dtype=torch.float64), torch.randint(120, (5, 8))
    found = [trained(model, d).batch_gradients(flats.to(d), indices.to(d)).cpu() for d in BOTH]
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_curvature_and_noise_are_the_same(model):
    seen = []
    for device in BOTH:
        problem = Problem.of(trained(model, device))
        generator = torch.Generator(device).manual_seed(0)
        pairs = top_eigenpairs(hessian(problem), 3, rtol=1e-8, generator=generator)
        C = noise_covariance_in(problem, pairs.vectors).diagonal().cpu()
        traces = torch.tensor([noise_trace(problem), trace(hessian(problem), generator=generator).estimate.value])
        seen.append((pairs.values.double().cpu(), C, traces[:1].double()))
        assert traces[1] == pytest.approx(float(hessian(problem).to_dense().trace()), rel=0.05)
    for one, other in zip(*seen, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def test_a_convolutional_network_has_the_same_curvature_by_tangents():
    seen = []
    for device in BOTH:
        generator = torch.Generator().manual_seed(0)
        model = network("small", 1, 10, generator).double().to(device)
        data = torch.randn(50, 1, 8, 8, dtype=torch.float64, generator=generator), torch.arange(50) % 10
        H = hessian(Problem(model, torch.nn.functional.cross_entropy, tuple(x.to(device) for x in data)))
        v = torch.randn(H.size, dtype=torch.float64, generator=generator)
        assert H.record["derivative"] == ("forward" if device.type == "cuda" else "reverse")
        seen.append(H.matvec(v.to(device)).cpu())
    torch.testing.assert_close(*seen, rtol=1e-8, atol=1e-10)


def test_a_measurement_on_cuda_may_take_half_of_the_free_memory():
    free = torch.cuda.mem_get_info()[0]
    assert 0.4 * free < spare(torch.device("cuda")) < 0.6 * torch.cuda.mem_get_info()[1]
    assert spare(torch.device("cpu")) == 2**31
