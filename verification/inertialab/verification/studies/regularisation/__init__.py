"""Penalties of the derivative: fits along a line, exactly and to drawn labels, and networks."""
