"""Calls and events between the daemon and its clients: terminal, command line, scripts."""
