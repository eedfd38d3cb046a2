CREATE TABLE identity (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    site_name TEXT NOT NULL,
    language TEXT NOT NULL,
    signing_key BLOB NOT NULL,
    author BLOB NOT NULL,
    person_name TEXT NOT NULL,
    person_role INTEGER NOT NULL,
    -- The highest Lamport counter written or seen here; the next entry starts above it.
    counter INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Every hub that this site has joined, in that order; one that was left stays, for the cases that are with it.
-- Elsewhere a hub is named by its address: keys, people and cases of one mean nothing to another.
CREATE TABLE hub (
    row INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    hub BLOB NOT NULL UNIQUE,
    -- What people here call it; no two alike.
    name TEXT NOT NULL UNIQUE,
    organisation TEXT NOT NULL,
    hub_name TEXT NOT NULL,
    site_name TEXT NOT NULL,
    pseudonym BLOB NOT NULL UNIQUE,
    signing BLOB NOT NULL,
    opening BLOB NOT NULL,
    bundle_secret BLOB NOT NULL,
    small_secret BLOB NOT NULL,
    -- The newest epoch of our opening keys that was stated to it; 0 is the one enrolment gave.
    told_epoch INTEGER NOT NULL DEFAULT 0,
    -- When this site left it; NULL while it is one of ours.
    left_s INTEGER
) STRICT;

-- The pairs that this site made with a hub before the present one: what has come under them is still opened.
CREATE TABLE former_pair (
    pseudonym BLOB NOT NULL PRIMARY KEY,
    hub BLOB NOT NULL REFERENCES hub (hub),
    bundle_secret BLOB NOT NULL,
    small_secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Our opening keys. A destroyed one keeps its number, which is never given again.
CREATE TABLE opening_key (
    epoch INTEGER NOT NULL PRIMARY KEY,
    private_key BLOB,
    -- By this machine's clock; NULL until it was looked at.
    made_s INTEGER
) STRICT;

-- Keys whose signatures are believed; a key that was replaced stays, so that what it signed stays readable.
CREATE TABLE signer (
    -- In whose cases.
    hub BLOB NOT NULL,
    key_id BLOB NOT NULL,
    public_key BLOB NOT NULL,
    mailbox BLOB NOT NULL,
    party INTEGER NOT NULL,
    -- 1: an earlier device of this site. What it signed comes from the hub alone, which has judged it.
    judged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hub, key_id)
) STRICT, WITHOUT ROWID;

-- People that a place has introduced. Of several introductions the one last in the records' total order counts.
CREATE TABLE actor (
    -- In whose cases.
    hub BLOB NOT NULL,
    mailbox BLOB NOT NULL,
    actor_id BLOB NOT NULL,
    name TEXT NOT NULL,
    role INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    PRIMARY KEY (hub, mailbox, actor_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE case_file (
    row INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    case_id BLOB NOT NULL UNIQUE,
    patient_id BLOB NOT NULL,
    -- The hub that was asked: nobody else gets anything of it, or may write in it.
    hub BLOB NOT NULL,
    -- Delivery class of its bundles.
    priority INTEGER NOT NULL,
    -- When somebody sent it; NULL is a draft, of which nothing leaves.
    sent_s INTEGER
) STRICT;

-- Entries as they came, with the moment they were first seen here.
CREATE TABLE entry (
    row INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    entry_id BLOB NOT NULL UNIQUE,
    case_id BLOB NOT NULL REFERENCES case_file (case_id),
    party INTEGER NOT NULL,
    -- Sealed under the case's key; empty for a tombstone, and for what came after a case was erased.
    payload BLOB NOT NULL,
    signature BLOB NOT NULL,
    boot TEXT NOT NULL,
    monotonic_s REAL NOT NULL,
    wall_s INTEGER NOT NULL,
    certainty INTEGER NOT NULL
) STRICT;
CREATE INDEX entry_by_case ON entry (case_id, row);

-- Entries that may not stand, with the reason; those with retry = 1 may stand once others have come.
CREATE TABLE aside (
    row INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- Which hub it came from: what one may not say, another may.
    hub BLOB NOT NULL,
    entry_id BLOB NOT NULL,
    -- The case that it names, zeros when it cannot be read so far; the payload is sealed under that case's key.
    case_id BLOB NOT NULL,
    payload BLOB NOT NULL,
    signature BLOB NOT NULL,
    reason TEXT NOT NULL,
    retry INTEGER NOT NULL,
    boot TEXT NOT NULL,
    monotonic_s REAL NOT NULL,
    wall_s INTEGER NOT NULL,
    certainty INTEGER NOT NULL,
    UNIQUE (entry_id, hub)
) STRICT;
CREATE INDEX aside_by_case ON aside (case_id);

-- Which entries each bundle of a hub's has brought, for a hub that loses them.
CREATE TABLE arrived (
    pseudonym BLOB NOT NULL,
    bundle_id BLOB NOT NULL,
    entry_id BLOB NOT NULL,
    PRIMARY KEY (pseudonym, bundle_id, entry_id)
) STRICT, WITHOUT ROWID;

-- What travelled in micro-bundles, ours and the hub's, sealed under the case's key: signed by nobody, and of no
-- account once the signed entry that each names is here.
CREATE TABLE provisional (
    row INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    micro_id BLOB NOT NULL UNIQUE,
    case_id BLOB NOT NULL REFERENCES case_file (case_id),
    party INTEGER NOT NULL,
    payload BLOB NOT NULL,
    boot TEXT NOT NULL,
    monotonic_s REAL NOT NULL,
    wall_s INTEGER NOT NULL,
    certainty INTEGER NOT NULL
) STRICT;
CREATE INDEX provisional_by_case ON provisional (case_id, row);

-- One row is one bundle: entries (outbox_entry), one media layer (layer and blob), or one provisional record.
CREATE TABLE outbox (
    row INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    case_id BLOB NOT NULL REFERENCES case_file (case_id),
    -- Whom it is for.
    hub BLOB NOT NULL,
    what TEXT NOT NULL,
    priority INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    layer INTEGER,
    blob BLOB,
    micro_id BLOB,
    size_bytes INTEGER NOT NULL,
    queued_s INTEGER NOT NULL,
    -- NULL until the spool has custody of the sealed bundle.
    bundle_id BLOB
) STRICT;
CREATE INDEX outbox_unsealed ON outbox (hub, priority, rank, row) WHERE bundle_id IS NULL;
CREATE INDEX outbox_by_case ON outbox (case_id, row);

CREATE TABLE outbox_entry (
    outbox_row INTEGER NOT NULL REFERENCES outbox (row),
    position INTEGER NOT NULL,
    entry_id BLOB NOT NULL REFERENCES entry (entry_id),
    PRIMARY KEY (outbox_row, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_entry_by_entry ON outbox_entry (entry_id);

CREATE TABLE alarm (
    row INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- What it is about, so that the same thing never rings as two alarms.
    subject BLOB NOT NULL UNIQUE,
    case_id BLOB,
    severity TEXT NOT NULL,
    text TEXT NOT NULL,
    since_s INTEGER NOT NULL,
    acknowledged_by TEXT
) STRICT;
