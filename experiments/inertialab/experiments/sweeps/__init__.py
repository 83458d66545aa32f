"""Sweeps: one experiment at many points, each with a record of its own, collected into one table."""
