-- Keys of cases and what became of cases that a person erased; for any database that keeps contents of cases.

CREATE TABLE case_key (
    case_id BLOB NOT NULL PRIMARY KEY,
    -- Wrapped under the store's master key, which lies elsewhere. Without this row the case cannot be read.
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- All that is left of an erased case beside its ids. Nothing clinical belongs here.
CREATE TABLE erased_case (
    case_id BLOB NOT NULL PRIMARY KEY,
    erased_s INTEGER NOT NULL,
    erased_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- The signed entry that says so to the other side.
    entry_id BLOB NOT NULL UNIQUE,
    payload BLOB NOT NULL,
    signature BLOB NOT NULL,
    -- Entries and pictures that came later, of which only the ids were kept.
    late INTEGER NOT NULL DEFAULT 0,
    -- Whether every file that held something of it has been dealt with; until then each start tries again.
    finished INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
