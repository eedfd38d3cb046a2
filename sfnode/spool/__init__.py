"""The spool of a node: what it needs to send, receive and ring while the vault is locked."""
