"""Simulated machines: disks, lives, clocks, and the programs of the product on them."""
