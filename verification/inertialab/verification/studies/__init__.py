"""What is measured, by kind: exact numerics, particles under the real optimizers, real training. Judges nothing."""
