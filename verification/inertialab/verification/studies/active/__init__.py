"""Asking for labels: the learner itself on streams whose law is known, and on real data."""
