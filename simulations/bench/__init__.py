"""Measurements: sizes on the wire, speed beside a reference of the same run, consults on emulated links."""
