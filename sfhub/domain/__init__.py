"""What the hub knows of cases: pure functions over their records."""
