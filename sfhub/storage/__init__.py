"""Rows and files: functions inside one transaction each, and nothing that decides."""
