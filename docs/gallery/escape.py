# %% [markdown]
# # An escape
#
# How long does SGD stay in a well? The logarithm of the time grows with the height of the barrier over the noise.
# Particles that leave are counted, over the time at which they were at risk, and put back at once: dropping those
# that stayed would make the rate far too large.

# %%
import numpy as np
from matplotlib import pyplot as plt

from inertialab.experiments.escape import count_escapes
from inertialab.experiments.system import Noise, System
from inertialab.theory import claim
from inertialab.theory.landscapes import LANDSCAPES

well, eta = LANDSCAPES["double-well"].at(), 0.05
barriers = np.array([2.0, 3.0, 4.0, 5.0])
height = 0.25
noises = 2 * height / (eta * barriers)  # the barrier in units of the temperature ηC/2


def steps_to_leave(noise):
    """Mean number of steps from the left minimum over the saddle, with its 95% interval."""
    system = System(well, Noise.constant(well, noise), "sgd", {"eta": eta})
    seen = count_escapes(system, start=[-1.0], boundary=0.0, particles=1_000, steps=4_000, burn_in=200, seed=3)
    return (seen.steps, *seen.interval())


found = np.array([steps_to_leave(noise) for noise in noises])
found.round()

# %% [markdown]
# Beside the law of Eyring and Kramers for the same well. It is one of low temperature and long times: `predict`
# refuses it here, where times are short enough to be counted, and `evaluate` draws it all the same. The points come
# down to it.

# %%
law = claim("langevin.eyring-kramers")
line = np.linspace(1.5, 5.5, 50)
kramers = law.evaluate(Ha=[[2.0]], Hb=[[1.0]], dL=height, D=height / line) / eta
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(line, kramers, label="langevin.eyring-kramers")
low, high = found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]
axes.errorbar(barriers, found[:, 0], [low, high], fmt="o", label="particles")
axes.set(xlabel="barrier over temperature", ylabel="steps to leave", yscale="log")
axes.legend(frameon=False)
plt.show()
