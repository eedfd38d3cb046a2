-- What a node keeps beside custody, readable without the passphrase. Nothing here names a patient or a finding.
-- A column never changes its meaning; a later step adds.

-- The hubs this site is enrolled with, in the order in which it joined them.
CREATE TABLE pairing (
    pairing INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The hub's address, made of its organisation and name.
    hub BLOB NOT NULL UNIQUE,
    -- What people here call it; no two alike.
    name TEXT NOT NULL UNIQUE,
    pseudonym BLOB NOT NULL UNIQUE,
    organisation TEXT NOT NULL,
    hub_name TEXT NOT NULL,
    site_name TEXT NOT NULL,
    -- Keys the session channel; opens no bundle.
    link_secret BLOB NOT NULL,
    enrolled_s INTEGER NOT NULL,
    -- 1: the one that is meant where none is named.
    home INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX pairing_home ON pairing (home) WHERE home = 1;

-- An enrolment that was begun: kept until it is answered, so that the same request can be sent again.
CREATE TABLE enrolment_request (
    enrolment_request INTEGER PRIMARY KEY AUTOINCREMENT,
    request BLOB NOT NULL,
    -- Stretched from the one-time code; the code itself is not kept.
    code_key BLOB NOT NULL,
    transport_key BLOB NOT NULL,
    made_s INTEGER NOT NULL
) STRICT;

-- Bundles given to custody: for which pair, when, and when its hub was first known to hold them.
CREATE TABLE transfer (
    transfer INTEGER PRIMARY KEY AUTOINCREMENT,
    pseudonym BLOB NOT NULL,
    bundle_id BLOB NOT NULL,
    priority INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    queued_s INTEGER NOT NULL,
    stored_s INTEGER,
    UNIQUE (bundle_id, pseudonym)
) STRICT;

CREATE INDEX transfer_unstored ON transfer (priority, rank, transfer) WHERE stored_s IS NULL;

-- When a bundle of a hub's was whole here, by all clocks: how long a reply has been valid counts from then.
CREATE TABLE arrival (
    pseudonym BLOB NOT NULL,
    bundle_id BLOB NOT NULL,
    boot TEXT NOT NULL,
    monotonic_s REAL NOT NULL,
    wall_s INTEGER NOT NULL,
    certainty INTEGER NOT NULL,
    PRIMARY KEY (pseudonym, bundle_id)
) STRICT, WITHOUT ROWID;

-- Contacts and attempts, oldest first. Failures with one cause, one after another, share a row.
CREATE TABLE contact (
    contact INTEGER PRIMARY KEY AUTOINCREMENT,
    link TEXT NOT NULL,
    -- Whom it was to reach.
    hub TEXT NOT NULL DEFAULT '',
    began_s INTEGER NOT NULL,
    ended_s INTEGER,
    -- Whether the hub answered.
    reached INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 1,
    outcome TEXT NOT NULL DEFAULT '',
    bytes_up INTEGER NOT NULL DEFAULT 0,
    bytes_down INTEGER NOT NULL DEFAULT 0,
    -- By the monotonic clock, of the last attempt.
    seconds REAL NOT NULL DEFAULT 0,
    usd REAL NOT NULL DEFAULT 0
) STRICT;

-- A way to a hub that fails: how often in a row, since when, and how long to wait after the last failure.
CREATE TABLE retry (
    pseudonym BLOB NOT NULL,
    link TEXT NOT NULL,
    failures INTEGER NOT NULL,
    boot TEXT NOT NULL,
    failed_s REAL NOT NULL,
    down_since_s REAL NOT NULL,
    pause_s REAL NOT NULL,
    -- By the wall clock, for people.
    since_s INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (pseudonym, link)
) STRICT, WITHOUT ROWID;

-- What each link has cost since its day began: what its cap counts.
CREATE TABLE link_day (
    link TEXT NOT NULL PRIMARY KEY,
    boot TEXT NOT NULL,
    began_s REAL NOT NULL,
    -- Days since 1970 by the wall clock; none where it was not set.
    day INTEGER,
    usd REAL NOT NULL,
    size_bytes INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    -- How long the machine had run since then, and when that was put down, by the monotonic clock of that boot.
    ran_s REAL NOT NULL,
    noted_boot TEXT NOT NULL,
    noted_s REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- What contacts have shown of each link.
CREATE TABLE link_memory (
    link TEXT NOT NULL PRIMARY KEY,
    -- The address these were measured to: of another way they say nothing.
    way TEXT NOT NULL,
    rate_bytes_s REAL NOT NULL,
    rtt_s REAL NOT NULL,
    overhead_bytes INTEGER NOT NULL,
    contacts INTEGER NOT NULL,
    -- By this machine's clock: until then whole requests take turns, since something on the way holds them back.
    in_turns_until_s INTEGER NOT NULL DEFAULT 0,
    -- When the rate was measured, by the monotonic clock of that boot; an empty boot if nobody knows.
    rated_boot TEXT NOT NULL DEFAULT '',
    rated_s REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Sums over all contacts, including those whose rows were dropped. One row.
CREATE TABLE traffic (
    traffic INTEGER PRIMARY KEY CHECK (traffic = 1),
    bytes_up INTEGER NOT NULL DEFAULT 0,
    bytes_down INTEGER NOT NULL DEFAULT 0,
    usd REAL NOT NULL DEFAULT 0,
    last_reached_s INTEGER
) STRICT;

INSERT INTO traffic (traffic) VALUES (1);

-- Alarms in neutral words. The key says what it is about, so that one cause rings once.
CREATE TABLE alarm (
    alarm INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    severity TEXT NOT NULL,
    text TEXT NOT NULL,
    since_s INTEGER NOT NULL,
    acknowledged_by TEXT,
    -- Whether its cause is gone or is told elsewhere; a later alarm of the same cause opens it again.
    closed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What has to ring at a moment, with nobody there to unlock.
CREATE TABLE timer (
    timer INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    severity TEXT NOT NULL,
    text TEXT NOT NULL,
    boot TEXT NOT NULL,
    monotonic_s REAL NOT NULL,
    wall_s INTEGER NOT NULL,
    certainty INTEGER NOT NULL,
    -- From that moment on.
    due_in_s REAL NOT NULL
) STRICT;
