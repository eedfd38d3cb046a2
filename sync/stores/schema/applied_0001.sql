-- For a database that keeps what custody has handed over: how far it has. One row.

CREATE TABLE custody_mark (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    -- Of what custody counts as settled, this many are certain to have come to this database.
    settled INTEGER NOT NULL DEFAULT 0,
    -- What went out in bundles of custody up to this row is certain to have been written in this database.
    given INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO custody_mark (only) VALUES (1);
