-- Who may speak to us.

CREATE TABLE sites (
    mailbox BLOB NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    name TEXT NOT NULL,
    added_s REAL NOT NULL,
    UNIQUE (organisation, name)
) STRICT, WITHOUT ROWID;

-- One row for each enrolment: a site enrolled anew gets another pair, and what its old keys signed stays provable.
CREATE TABLE pairs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    pseudonym BLOB NOT NULL UNIQUE,
    site BLOB NOT NULL REFERENCES sites (mailbox),
    signing_key BLOB NOT NULL,
    opening_key BLOB NOT NULL,
    transport_key BLOB NOT NULL,
    enrolled_s REAL NOT NULL,
    last_heard_s REAL NOT NULL,
    -- Of the newest session that it opened: an older one, heard again, is a recording.
    heard_generation INTEGER NOT NULL DEFAULT 0,
    -- When its signing key was revoked; 0 while it is believed.
    revoked_s REAL NOT NULL DEFAULT 0,
    -- The newest epoch of our opening keys that was stated to it; 0 is the one enrolment gave.
    told_epoch INTEGER NOT NULL DEFAULT 0,
    -- 1 while a device that took the place of a lost one has not been given the site's open cases.
    to_refill INTEGER NOT NULL DEFAULT 0
) STRICT;

-- When each of our opening keys was drawn and destroyed; the private halves are files elsewhere.
CREATE TABLE opening_epochs (
    epoch INTEGER PRIMARY KEY,
    public_key BLOB NOT NULL,
    made_s REAL NOT NULL,
    destroyed_s REAL NOT NULL DEFAULT 0
) STRICT;

-- Never the code itself: only the key that was stretched from it.
CREATE TABLE enrolment_codes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    site_name TEXT NOT NULL,
    hint BLOB NOT NULL,
    stretched_key BLOB NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    made_s REAL NOT NULL,
    expires_s REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'used', 'burnt')),
    request_digest BLOB NOT NULL DEFAULT x'',
    answer BLOB NOT NULL DEFAULT x''
) STRICT;

CREATE TABLE clinicians (
    actor BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role INTEGER NOT NULL,
    added_s REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE one_time_tokens (
    digest BLOB NOT NULL PRIMARY KEY,
    clinician BLOB NOT NULL REFERENCES clinicians (actor),
    expires_s REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    digest BLOB NOT NULL PRIMARY KEY,
    clinician BLOB NOT NULL REFERENCES clinicians (actor),
    expires_s REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- What has arrived.

CREATE TABLE cases (
    case_id BLOB NOT NULL PRIMARY KEY,
    patient_id BLOB NOT NULL,
    site BLOB NOT NULL REFERENCES sites (mailbox),
    -- 0 as long as no entry is here that a site signed: the first one says whose case it is.
    signed INTEGER NOT NULL,
    -- The highest Lamport counter of all that was kept of it.
    counter INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    first_arrived_s REAL NOT NULL,
    changed_s REAL NOT NULL,
    -- The worklist's row, computed from the entries at each change and sealed under the case's key; empty when
    -- it cannot be sealed. NULL means: compute it again.
    row BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX cases_without_row ON cases (case_id) WHERE row IS NULL;
CREATE INDEX cases_counter ON cases (counter);

CREATE TABLE entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id BLOB NOT NULL UNIQUE,
    case_id BLOB NOT NULL,
    signer BLOB NOT NULL,
    author BLOB NOT NULL,
    -- Sealed under the case's key; empty for a tombstone, and for what came after a case was erased.
    payload BLOB NOT NULL,
    signature BLOB NOT NULL,
    received_s REAL NOT NULL,
    -- Why it does not stand after all; empty while it does.
    refused TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX entries_of_case ON entries (case_id, number);

CREATE TABLE actors (
    signer BLOB NOT NULL,
    actor BLOB NOT NULL,
    name TEXT NOT NULL,
    role INTEGER NOT NULL,
    -- Where the introduction stands in the records' total order: the latest holds, whichever came first.
    counter INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    PRIMARY KEY (signer, actor)
) STRICT, WITHOUT ROWID;

-- Layers whose bytes lie in objects/; which of them a case shows is the word of its signed manifests.
CREATE TABLE layers (
    case_id BLOB NOT NULL,
    blob BLOB NOT NULL,
    layer INTEGER NOT NULL,
    site BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    received_s REAL NOT NULL,
    PRIMARY KEY (case_id, blob, layer, site)
) STRICT, WITHOUT ROWID;

-- What a site said in a micro-bundle, signed by nobody; a signed entry of the case takes its place.
CREATE TABLE provisional (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    micro_id BLOB NOT NULL UNIQUE,
    case_id BLOB NOT NULL,
    pair INTEGER NOT NULL REFERENCES pairs (number),
    bundle_id BLOB NOT NULL,
    -- Sealed under the case's key.
    payload BLOB NOT NULL,
    received_s REAL NOT NULL,
    -- Why it does not stand after all; empty while it does.
    refused TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX provisional_of_case ON provisional (case_id, number);

-- Entries that wait for their case or author to become known.
CREATE TABLE held_entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id BLOB NOT NULL UNIQUE,
    pair INTEGER NOT NULL REFERENCES pairs (number),
    case_id BLOB NOT NULL,
    signer BLOB NOT NULL,
    -- Sealed under the key of the case that it names.
    payload BLOB NOT NULL,
    signature BLOB NOT NULL,
    priority INTEGER NOT NULL,
    reason TEXT NOT NULL,
    received_s REAL NOT NULL
) STRICT;

-- Which entries and layers each bundle of a pair has brought, for a site that loses them. One of the two is set.
CREATE TABLE arrived (
    pair INTEGER NOT NULL REFERENCES pairs (number),
    bundle_id BLOB NOT NULL,
    case_id BLOB NOT NULL,
    entry_id BLOB NOT NULL DEFAULT x'',
    layer INTEGER NOT NULL DEFAULT 0,
    blob BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (pair, bundle_id, entry_id, blob, layer)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pairs (number),
    bundle_id BLOB NOT NULL,
    entry_id BLOB NOT NULL DEFAULT x'',
    -- The case that it names, empty when that cannot be read.
    case_id BLOB NOT NULL DEFAULT x'',
    -- Of the entry that it is a difference from and that is not here, while all of it is asked for; else empty.
    base BLOB NOT NULL DEFAULT x'',
    reason TEXT NOT NULL,
    happened_s REAL NOT NULL,
    UNIQUE (bundle_id, pair, entry_id)
) STRICT;

-- Bundles whose opening was begun and not ended: one that ends the process twice is put aside the third time.
CREATE TABLE openings (
    pair INTEGER NOT NULL,
    bundle_id BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (pair, bundle_id)
) STRICT, WITHOUT ROWID;

-- What leaves.

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pairs (number),
    case_id BLOB NOT NULL,
    entry_id BLOB NOT NULL,
    -- 1: not the entry itself, but the reply headline made of it.
    headline INTEGER NOT NULL DEFAULT 0,
    -- Not an entry, but a picture of the case that its site has lost; then entry_id is empty.
    layer INTEGER NOT NULL DEFAULT 0,
    blob BLOB NOT NULL DEFAULT x'',
    what TEXT NOT NULL,
    priority INTEGER NOT NULL,
    written_s REAL NOT NULL,
    bundle_id BLOB NOT NULL DEFAULT x'',
    size_bytes INTEGER NOT NULL DEFAULT 0,
    -- When it was sealed and taken into custody, and when the site said that it holds it; 0 is not yet.
    sealed_s REAL NOT NULL DEFAULT 0,
    stored_s REAL NOT NULL DEFAULT 0,
    UNIQUE (pair, entry_id, headline, case_id, blob, layer)
) STRICT;

CREATE INDEX outbox_of_case ON outbox (case_id);
CREATE INDEX outbox_unsealed ON outbox (number) WHERE sealed_s = 0;
CREATE INDEX outbox_bundles ON outbox (pair, bundle_id);

-- Backups that this hub has made and read back whole. A restored hub knows those before the one it came from.
CREATE TABLE backups (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    backup_id TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL,
    -- The moment of which it is a copy.
    made_s REAL NOT NULL,
    verified_s REAL NOT NULL,
    size_bytes INTEGER NOT NULL
) STRICT;
