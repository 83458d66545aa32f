"""Training of networks on data."""
