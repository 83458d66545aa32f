"""Exact numerics of diffusions, for claims that speak of a diffusion and of no optimizer."""
