"""The site node: capture, keep, send and alarm where the patients are."""
