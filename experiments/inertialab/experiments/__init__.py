"""Raw data: simulations, exact numerics and real training. Nothing here judges."""
