"""The web server: synchronisation, enrolment and the console."""
