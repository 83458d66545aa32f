"""Exact numerics of diffusions: for claims that speak of one, never of an optimizer."""
