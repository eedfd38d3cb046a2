-- What people have to be told of once, in sentences; for any database of a node or a hub. Nothing clinical.

CREATE TABLE notice (
    notice INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What it is about: one cause is one sentence, however often it is met.
    subject TEXT NOT NULL UNIQUE,
    sentence TEXT NOT NULL,
    -- The subject whose notice says this too and more: while that one is to be read, this one is not shown.
    covered_by TEXT NOT NULL DEFAULT '',
    since_s INTEGER NOT NULL,
    -- A person has read it.
    seen INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Up to which incident of each pair the notices tell.
CREATE TABLE notice_mark (
    pseudonym BLOB NOT NULL PRIMARY KEY,
    incident INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
