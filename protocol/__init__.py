"""The wire: records, entries, bundles, seals and frames; pure: no I/O, clock or randomness of its own."""
