"""Numbered, forward-only steps that build and upgrade the tables of a store.

Several schemas may live in one database (custody of bundles, a node's timers), so each counts its own steps.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from .connection import Connection
from .errors import StoreTooNew

_VERSIONS: Final = """
CREATE TABLE IF NOT EXISTS schema_version (
    name TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one component: step n (from 1) is a script that is never changed once it was released."""

    name: str
    steps: tuple[str, ...]

    @classmethod
    def of_folder(cls, name: str, folder: Traversable) -> Schema:
        """Steps from the files `<name>_0001.sql`, `<name>_0002.sql` … of a folder; a gap is refused."""
        scripts = {entry.name: entry for entry in folder.iterdir() if entry.name.startswith(f"{name}_")}
        expected = [f"{name}_{number:04}.sql" for number in range(1, len(scripts) + 1)]
        if sorted(scripts) != expected or not expected:
            raise ValueError(f"{folder} holds {sorted(scripts)}, not {name}_0001.sql and so on")
        return cls(name, tuple(scripts[file_name].read_text("utf-8") for file_name in expected))


def migrate(connection: Connection, schemas: Sequence[Schema], path: Path) -> None:
    """Bring every schema to its last step, each step whole or not at all. Raises `StoreTooNew`."""
    connection.execute(_VERSIONS)
    versions = dict(connection.execute("SELECT name, version FROM schema_version").fetchall())
    for schema in schemas:
        version = versions.get(schema.name, 0)
        if version > len(schema.steps):
            raise StoreTooNew(
                f"{path} was written by a newer version of this software ({schema.name} {version}, this one "
                f"knows {len(schema.steps)}). Nothing was changed. Install the newer version again."
            )
        for number in range(version + 1, len(schema.steps) + 1):
            _apply(connection, schema, number)


def _apply(connection: Connection, schema: Schema, number: int) -> None:
    """One step and its number in one transaction: killed in between, it never happened."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(schema.steps[number - 1]):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_version (name, version) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET version = excluded.version",
            (schema.name, number),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """A script's statements: `executescript` would end our transaction before it begins."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"a schema step ends in the middle of a statement: {statement.strip()[:60]!r}")
