"""Custody moved by letters: bundles and receipts over media of whole messages, which know no session."""

from .correspondence import Correspondence, LetterRead, LetterWritten
from .terms import LetterMemory, LetterTerms

__all__ = ["Correspondence", "LetterMemory", "LetterRead", "LetterTerms", "LetterWritten"]
