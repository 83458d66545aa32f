"""All studies and checks: one file a topic, explicit tuples."""

from inertialab.verification.checks import (
    conventions,
    escape,
    exact_escape,
    exact_identities,
    exact_kramers,
    exact_operators,
    exact_saddle,
    exact_stationary,
    saddle,
    stationary,
    training,
)

TOPICS = (
    stationary,
    exact_stationary,
    conventions,
    saddle,
    exact_saddle,
    exact_escape,
    exact_identities,
    exact_kramers,
    escape,
    exact_operators,
    training,
)
STUDIES = {study.id: study for topic in TOPICS for study in topic.STUDIES}
CHECKS = tuple(check for topic in TOPICS for check in topic.CHECKS)
