"""Particles under the package's own update rules."""
