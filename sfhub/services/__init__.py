"""What the hub does: enrol, take in, order, answer, send."""
