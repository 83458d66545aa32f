# %% [markdown]
# # A first claim
#
# How far does SGD stray from a minimum? Theory in continuous time says \(\eta C/2h\); the update rule says something
# else. A claim of this package is a formula with the conditions under which it holds.

# %%
import numpy as np
from matplotlib import pyplot as plt

from inertialab.experiments.simulation import simulate
from inertialab.experiments.system import Noise, System
from inertialab.theory import claim
from inertialab.theory.landscapes import LANDSCAPES

exact, continuous = claim("sgd.stationary-variance"), claim("sgd.stationary-variance-ou")
exact.title

# %% [markdown]
# A prediction takes numbers or arrays, and refuses what lies outside the regime:

# %%
try:
    exact.predict(eta=3.0, h=1.0, C=0.5)
except ValueError as refusal:
    print(refusal)

# %% [markdown]
# Particles under the update rule itself, in a quadratic well of curvature 1, at five learning rates. Each particle is
# one independent unit, and the error of the variance comes from them.

# %%
well = LANDSCAPES["quadratic"].at(curvature=1.0)
etas = np.array([0.1, 0.4, 0.8, 1.2, 1.6])
seen = [
    simulate(System(well, Noise.constant(well, 0.5), "sgd", {"eta": eta}), particles=20_000, times=[200], seed=1)
    for eta in etas
]
measured = np.array([run.square[-1, 0] for run in seen])
errors = np.array([run.square_error[-1, 0] for run in seen])
np.round(measured / exact.predict(eta=etas, h=1.0, C=0.5), 3)

# %% [markdown]
# The formula of the update rule goes through the points. That of continuous time parts from them as steps become
# long.

# %%
line = np.linspace(0.01, 1.7, 100)
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(line, exact.evaluate(eta=line, h=1.0, C=0.5), label="sgd.stationary-variance")
axes.plot(line, continuous.evaluate(eta=line, h=1.0, C=0.5), "--", label="sgd.stationary-variance-ou")
axes.errorbar(etas, measured, 2 * errors, fmt="o", label="particles")
axes.set(xlabel="η h", ylabel="variance", yscale="log")
axes.legend(frameon=False)
plt.show()
