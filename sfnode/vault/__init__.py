"""The encrypted store of a node: keys, entries, blobs, outbox and alarms."""
