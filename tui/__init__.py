"""The medic's terminal screens, a client of the node's local socket."""
