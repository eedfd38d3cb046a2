"""Places where outside bytes come in: what each takes, what it may refuse, what an enemy would send."""
