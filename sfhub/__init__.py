"""The hub: receive consults, order the work, and send the specialists' replies."""
