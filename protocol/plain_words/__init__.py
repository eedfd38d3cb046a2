"""Records in plain words, for every surface that has no screen of its own for a kind."""

from .notes import note_text as note_text
from .standing import standing_words as standing_words
from .table import Description as Description
from .table import described as described
