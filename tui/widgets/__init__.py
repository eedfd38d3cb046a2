"""The few widgets that the screens are made of."""

from .block import Block
from .sheet import Sheet

__all__ = ["Block", "Sheet"]
