"""What runs on a CUDA device: a step of Adai beside other optimizers, particles, and Hessian products.

As `optim.py` does, a turn is one timed piece of ours and one of the peer, in one process, in turn; the device has
finished before the clock is read. Bytes of the floor are those of `optim.py`.
"""

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inertialab.experiments import store
from inertialab.experiments.campaign.networks import network
from inertialab.experiments.codegen import torch_steps
from inertialab.experiments.system import Noise, System
from inertialab.optim import Adai
from inertialab.theory.landscapes import LANDSCAPES
from inertialab.verification.measure import Problem, hessian

RESULT = Path(__file__).parents[1] / "results" / "gpu" / "bench.json"
TURNS = 15
PARTICLES, STEPS = 10_000_000, 20
Work = Callable[[], object]
DEVICE = torch.device("cuda")

OURS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "Adai, blocks": lambda p: Adai(p, lr=1e-9, fused=False),
    "Adai, capturable": lambda p: Adai(p, lr=1e-9, capturable=True),
    "Adai, compiled": lambda p: Adai(p, lr=1e-9, fused=True),
}
PEERS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "torch Adam, fused": lambda p: torch.optim.Adam(p, lr=1e-9, fused=True),
    "torch Adam, foreach": lambda p: torch.optim.Adam(p, lr=1e-9, foreach=True),
    "torch SGD, foreach": lambda p: torch.optim.SGD(p, lr=1e-9, momentum=0.9, foreach=True),
}


def shapes() -> dict[str, list[tuple[int, ...]]]:
    """Shapes of parameters by case."""
    resnet = [tuple(p.shape) for p in network("resnet18", 3, 1000, torch.Generator()).parameters()]
    return {"ResNet-18": resnet, "100 M in 6 tensors": [*[(4096, 4096)] * 5, (16_113_920,)]}


def stepper(make: Callable[[list[Tensor]], torch.optim.Optimizer], of: list[tuple[int, ...]]) -> Work:
    """An optimizer over tensors of these shapes, warmed up."""
    params = [torch.randn(s, device=DEVICE).requires_grad_() for s in of]
    for p in params:
        p.grad = torch.randn_like(p)
    optimizer = make(params)
    for _ in range(3):
        optimizer.step()
    return optimizer.step


def floor(of: list[tuple[int, ...]]) -> Work:
    """Reads 24 bytes a parameter and writes 16."""
    size = sum(int(np.prod(s)) for s in of)
    changed, read = ([torch.zeros(size, device=DEVICE) for _ in range(n)] for n in (4, 2))
    return lambda: [torch._foreach_add_(changed, 1.0), *(x.sum() for x in read)]


def particles(compiled: bool) -> Work:
    """Steps of SGD in a double well."""
    place = LANDSCAPES["double-well"].at()
    steps = torch_steps(System(place, Noise.constant(place, 1.0), "sgd", {"eta": 0.05}), STEPS, compiled=compiled)
    state = torch.zeros(1, PARTICLES, device=DEVICE)
    steps(state, 1, 0)
    return lambda: steps(state, 1, 1)


def curvature() -> tuple[Work, Work]:
    """Hessian product and gradient of ResNet-18 on 256 images of 32 x 32 pixels."""
    model = network("resnet18", 3, 10, torch.Generator().manual_seed(0)).to(DEVICE).eval()
    data = torch.randn(256, 3, 32, 32, device=DEVICE), torch.randint(10, (256,), device=DEVICE)
    H = hessian(Problem(model, nn.functional.cross_entropy, data))
    vector, parameters = torch.randn(H.size, device=DEVICE), list(model.parameters())

    def gradient() -> object:
        return torch.autograd.grad(nn.functional.cross_entropy(model(data[0]), data[1]), parameters)

    return lambda: H.matvec(vector), gradient


def seconds(work: Work) -> float:
    """Time of one piece, after one that is not timed."""
    work()
    torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - began


def compared(case: str, ours: str, peer: str, own: Work, theirs: Work) -> dict[str, object]:
    """One row of the table."""
    pairs = [(seconds(own), seconds(theirs)) for _ in range(TURNS)]
    low, middle, high = (float(x) for x in np.percentile([b / a for a, b in pairs], (10, 50, 90)))
    milliseconds = 1e3 * float(np.median([a for a, _ in pairs]))
    print(f"{case:24} {ours:18} {milliseconds:8.2f} ms  {middle:7.3f} times as fast as {peer}", flush=True)
    numbers = {"ratio": round(middle, 3), "low": round(low, 3), "high": round(high, 3), "n": TURNS}
    return {"case": case, "subject": ours, "peer": peer, "milliseconds": round(milliseconds, 3), **numbers}


def main() -> None:
    """Run all, print and keep."""
    rows = []
    for case, of in shapes().items():
        for ours, make in OURS.items():
            own = stepper(make, of)
            peers = {"byte floor": floor(of), **{name: stepper(peer, of) for name, peer in PEERS.items()}}
            rows += [compared(case, ours, name, own, theirs) for name, theirs in peers.items()]
            del own, peers
            gc.collect()
            torch.cuda.empty_cache()
    rows.append(compared(f"{PARTICLES:.0e} particles", "torch_steps", "eager", particles(True), particles(False)))
    rows.append(compared("ResNet-18, 256 images", "Hessian product", "gradient", *curvature()))
    machine = f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULT
    store.write_json(path, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows})


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("This benchmark needs a CUDA device; there is none here.")
    main()
