# %% [markdown]
# # A network of your own
#
# Curvature and gradient noise of a small network on the digits of scikit-learn, and whether the noise is the Hessian,
# as is often assumed. The traps on the way are told in [the guide](../guides/own-network.md).

# %%
import numpy as np
import torch
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

from inertialab.verification.measure import Problem, hessian, noise_ratio, top_eigenpairs

images, labels = load_digits(return_X_y=True)
inputs, targets = torch.tensor(images / 16, dtype=torch.float64), torch.tensor(labels)

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 12), torch.nn.Tanh(), torch.nn.Linear(12, 10)).double()
loss = torch.nn.functional.cross_entropy
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
for _ in range(200):
    optimizer.zero_grad()
    loss(model(inputs), targets).backward()
    optimizer.step()

# %% [markdown]
# Measured on all data, by products of the Hessian with vectors; each eigenvalue lies within its residual.

# %%
problem = Problem(model.eval(), loss, (inputs, targets))
pairs = top_eigenpairs(hessian(problem), 8, generator=torch.Generator().manual_seed(0))
pairs.converged, float((pairs.residuals / pairs.values).max()) < 0.01

# %% [markdown]
# Noise over curvature along the eigenvectors, with intervals over samples. At one the noise would be the Hessian.

# %%
ratio = noise_ratio(problem, pairs.vectors, rng=np.random.default_rng(0), resamples=500).ratio
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.errorbar(pairs.values, ratio.value, [ratio.value - ratio.low, ratio.high - ratio.value], fmt="o")
axes.axhline(1, linestyle="--")
axes.set(xlabel="curvature h", ylabel="noise over curvature, C / h", xscale="log", ylim=(0, None))
plt.show()
