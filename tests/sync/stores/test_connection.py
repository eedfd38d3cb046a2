"""What a connection knows of the others on its file."""

from __future__ import annotations

from pathlib import Path

from sync.stores.connection import connect, data_version


def test_the_data_version_moves_when_another_connection_commits_and_only_then(tmp_path: Path) -> None:
    writer, reader = (connect(tmp_path / "a.db", None) for _ in range(2))
    writer.execute("CREATE TABLE fact (fact INTEGER) STRICT")
    reader.execute("BEGIN")
    before = data_version(reader)
    writer.execute("INSERT INTO fact VALUES (1)")
    # A snapshot does not see it; the next one does.
    assert (data_version(reader), reader.execute("SELECT count(*) FROM fact").fetchone()) == (before, (0,))
    reader.rollback()
    reader.execute("BEGIN")
    after = data_version(reader)
    assert after != before
    assert reader.execute("SELECT count(*) FROM fact").fetchone() == (1,)
    reader.rollback()
    assert data_version(reader) == after
    reader.close()
    writer.close()
