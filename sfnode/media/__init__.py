"""Pictures from files become small, clean layers; nothing is re-exported, so that the worker starts lean."""
