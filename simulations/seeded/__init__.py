"""Worlds of faults that follow from a seed, and the laws that they are held to."""
