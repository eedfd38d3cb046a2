"""What the node does for its clients: verbs over the vault, the spool and the domain."""
