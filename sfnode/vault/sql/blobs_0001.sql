-- Media bytes, kept per case: the same picture in two cases is kept twice, so that one case can be erased.
CREATE TABLE blob (
    case_id BLOB NOT NULL,
    blob BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (case_id, blob)
) STRICT, WITHOUT ROWID;

CREATE TABLE blob_chunk (
    case_id BLOB NOT NULL,
    blob BLOB NOT NULL,
    number INTEGER NOT NULL,
    -- Sealed under the case's key, which lies in the vault's own database.
    data BLOB NOT NULL,
    PRIMARY KEY (case_id, blob, number),
    FOREIGN KEY (case_id, blob) REFERENCES blob (case_id, blob) ON DELETE CASCADE
) STRICT;
