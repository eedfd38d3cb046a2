"""Training of the phrase books from invented texts; nothing a patient or clinician ever wrote is used."""
