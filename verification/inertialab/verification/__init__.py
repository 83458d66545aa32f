"""Measurement and judgement: the claims of theory confronted with simulations and real training."""
