-- What the other sides have said of their own keys, and which keys are believed no longer; for any database
-- of a node or a hub.

-- Public keys to seal for, by the signing key that vouches for them.
CREATE TABLE prekey (
    signer BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    -- Where the statement stands in the records' total order: a restored store may state two keys for one epoch.
    counter INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    -- Its owner has said that it cannot open what is sealed for it.
    gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (signer, epoch, public_key)
) STRICT, WITHOUT ROWID;

-- Signing keys that are believed no longer. The list only grows.
CREATE TABLE revocation (
    key_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    since INTEGER NOT NULL,
    remark TEXT,
    -- By this machine's clock.
    noted_s REAL NOT NULL,
    -- Whose list it is in, where there are several; empty for the only one.
    said_by BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (key_id, said_by)
) STRICT, WITHOUT ROWID;
