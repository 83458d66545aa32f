"""Numerics of diffusions, for claims that speak of the diffusion itself and not of an optimizer."""
