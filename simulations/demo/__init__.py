"""The demonstration: one consult from key press to given order, over an emulated link."""
