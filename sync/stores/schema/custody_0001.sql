-- Custody of sealed bundles, of any number of pairs. A column never changes its meaning; a later step adds.

-- What is counted over all pairs, in one row.
CREATE TABLE store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    -- Numbers given out and sessions opened. The sidecar outside remembers it too: a restored database has less.
    given_out INTEGER NOT NULL DEFAULT 0,
    -- Whether a sidecar was ever written, so that a missing one says something.
    has_sidecar INTEGER NOT NULL DEFAULT 0,
    -- Received bundles that the application has taken or put aside.
    settled INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO store (only) VALUES (1);

-- Backups that were begun: the name of the moment, drawn at random, and how many were settled at it. A database
-- that was restored from an older copy does not know the later ones.
CREATE TABLE backup_moment (
    backup_moment INTEGER PRIMARY KEY AUTOINCREMENT,
    moment BLOB NOT NULL UNIQUE,
    settled INTEGER NOT NULL
) STRICT;

CREATE TABLE pair (
    pair INTEGER PRIMARY KEY AUTOINCREMENT,
    pseudonym BLOB NOT NULL UNIQUE,
    generation INTEGER NOT NULL DEFAULT 0,
    -- Counts what was heard from the peer, to say which of its streams was heard last.
    heard INTEGER NOT NULL DEFAULT 0,
    -- With which incarnation of the peer's all former lives were found settled, and the sum of what the peer had of
    -- them then. NULL: there were none, or something of them has changed since.
    settled_with BLOB,
    settled_past BLOB
) STRICT;

-- Sealed bytes, in pieces. A content is deleted with its pieces and its number is never given out again.
CREATE TABLE content (
    content INTEGER PRIMARY KEY AUTOINCREMENT,
    size_bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE piece (
    -- content * 2**32 + offset of the first byte: neighbours in a bundle are neighbours on the disk, and one
    -- b-tree is written where a key of two columns would cost a second.
    position INTEGER PRIMARY KEY,
    data BLOB NOT NULL,
    -- Hash over position and data: a flipped bit or a swapped row is found when it is read.
    hash BLOB NOT NULL
) STRICT;

-- Incarnations of ours towards a pair, oldest first. The last is the current one.
CREATE TABLE life (
    life INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pair (pair),
    incarnation BLOB NOT NULL,
    sequence_max INTEGER NOT NULL DEFAULT 0,
    -- Why it was begun; empty for the first.
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (pair, incarnation)
) STRICT;

CREATE TABLE outgoing (
    outgoing INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pair (pair),
    life INTEGER NOT NULL REFERENCES life (life),
    sequence INTEGER NOT NULL,
    bundle_id BLOB NOT NULL,
    seal_tag BLOB NOT NULL,
    priority INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    dwell_code INTEGER NOT NULL,
    recipient_key BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    content INTEGER NOT NULL REFERENCES content (content),
    -- pending: to be sent; stored: the peer holds it; damaged: our bytes are gone, by damage or because they were
    -- pruned and the peer lost its own: the application has to seal again;
    -- withdrawn: the application took it back, and its bytes are gone for good.
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'stored', 'damaged', 'withdrawn')),
    -- Encoded ranges the peer has said it holds; NULL while no byte was ever handed to a link.
    receipted BLOB,
    -- Why the peer would not take it as sealed; empty if it did not say so.
    refusal TEXT NOT NULL DEFAULT '',
    -- The key the peer wants it sealed for, since it cannot open it as it is; NULL while nobody asks.
    rekey BLOB,
    -- How often it was sealed again.
    reseals INTEGER NOT NULL DEFAULT 0,
    -- When the peer was first known to hold it, by the wall clock; NULL while it is not.
    stored_s REAL,
    -- Whether the peer has it in a verified backup.
    safe INTEGER NOT NULL DEFAULT 0,
    -- Whether its bytes were dropped because of that.
    pruned INTEGER NOT NULL DEFAULT 0,
    UNIQUE (pair, bundle_id),
    UNIQUE (life, sequence)
) STRICT;

CREATE INDEX outgoing_damaged ON outgoing (pair, priority, rank, sequence) WHERE state = 'damaged';

CREATE INDEX outgoing_unsafe ON outgoing (life, sequence) WHERE state = 'stored' AND NOT safe;

CREATE INDEX outgoing_rekey ON outgoing (pair, priority, rank, sequence) WHERE rekey IS NOT NULL;

-- Numbers whose bundle goes under another one by now, because it was sealed again or a new life began. The peer
-- may hold them for good, so digests count them.
CREATE TABLE former_number (
    life INTEGER NOT NULL REFERENCES life (life),
    sequence INTEGER NOT NULL,
    bundle_id BLOB NOT NULL,
    -- Whether the peer holds it, as far as is known.
    stored INTEGER NOT NULL,
    PRIMARY KEY (life, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX outgoing_pending ON outgoing (life, priority, rank, sequence) WHERE state = 'pending';

-- Numbers of ours under which the peer holds what is not known here, to be asked for until it promises them.
CREATE TABLE foreign_numbers (
    foreign_numbers INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pair (pair),
    -- One that this store may have forgotten.
    incarnation BLOB NOT NULL,
    ranges BLOB NOT NULL,
    UNIQUE (pair, incarnation)
) STRICT;

-- What the peer has promised to give back of numbers of ours: no news any more.
CREATE TABLE promised (
    promised INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pair (pair),
    -- One that this store may have forgotten.
    incarnation BLOB NOT NULL,
    ranges BLOB NOT NULL,
    UNIQUE (pair, incarnation)
) STRICT;

-- Incarnations of the peer's.
CREATE TABLE stream (
    stream INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pair (pair),
    incarnation BLOB NOT NULL,
    heard INTEGER NOT NULL,
    -- Encoded ranges of the numbers that are held, and in a verified backup.
    safe BLOB NOT NULL DEFAULT x'00',
    -- How many numbers were given in it, if it stands for no life of the peer's but for second bundles that came
    -- under numbers of one; 0 for a life.
    forked INTEGER NOT NULL DEFAULT 0,
    UNIQUE (pair, incarnation)
) STRICT;

-- Numbers of a stream whose bundle is here whole. They stay when the content goes.
CREATE TABLE held (
    stream INTEGER NOT NULL REFERENCES stream (stream),
    sequence INTEGER NOT NULL,
    bundle_id BLOB NOT NULL,
    PRIMARY KEY (stream, sequence)
) STRICT, WITHOUT ROWID;

-- Held numbers whose content the peer has lost and was promised back. They stay when it was given, so that nothing
-- is given twice.
CREATE TABLE to_return (
    to_return INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL REFERENCES stream (stream),
    sequence INTEGER NOT NULL,
    given INTEGER NOT NULL DEFAULT 0,
    UNIQUE (stream, sequence)
) STRICT;

-- Whole bundles, in order of arrival, each once whatever the number of ways it came.
CREATE TABLE received (
    received INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pair (pair),
    incarnation BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    bundle_id BLOB NOT NULL,
    seal_tag BLOB NOT NULL,
    priority INTEGER NOT NULL,
    dwell_code INTEGER NOT NULL,
    recipient_key BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    -- NULL once the application has made it its own.
    content INTEGER REFERENCES content (content),
    -- Why it could not be opened; empty while nothing is wrong with it.
    quarantine TEXT NOT NULL DEFAULT '',
    -- The key we ask the peer to seal it for again; NULL while we ask for nothing.
    rekey BLOB,
    -- The how-manieth the application has settled, by taking it or putting it aside; NULL while it has not.
    settled INTEGER,
    UNIQUE (pair, bundle_id)
) STRICT;

CREATE INDEX received_rekey ON received (pair, received) WHERE rekey IS NOT NULL;

CREATE INDEX received_settled ON received (settled) WHERE settled IS NOT NULL;

CREATE INDEX received_waiting ON received (pair, received) WHERE content IS NOT NULL;

-- Bundles of which some bytes are here. One sealing of a bundle at a time.
CREATE TABLE partial (
    partial INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pair (pair),
    incarnation BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    bundle_id BLOB NOT NULL,
    seal_tag BLOB NOT NULL,
    priority INTEGER NOT NULL,
    dwell_code INTEGER NOT NULL,
    recipient_key BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    content INTEGER NOT NULL REFERENCES content (content),
    held_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (pair, bundle_id)
) STRICT;

-- What people have to be told of. Each fact once.
CREATE TABLE incident (
    incident INTEGER PRIMARY KEY AUTOINCREMENT,
    pair INTEGER NOT NULL REFERENCES pair (pair),
    kind TEXT NOT NULL,
    -- The bundle or incarnation it is about.
    subject BLOB NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE (pair, kind, subject, reason)
) STRICT;
