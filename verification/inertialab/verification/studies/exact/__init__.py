"""Exact numerics."""
