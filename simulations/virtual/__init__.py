"""Virtual time, and hosts and wires in memory: what simulated programs run on."""
