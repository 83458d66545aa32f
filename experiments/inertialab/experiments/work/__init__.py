"""Many pieces of work, each of which leaves a record: one by one, side by side, or on the machines of a cluster."""
