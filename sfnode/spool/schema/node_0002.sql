-- What was foretold of each bundle when it was queued, and what came of it: the basis of the next forecast, and
-- the proof of the last ones.
CREATE TABLE foretold (
    foretold INTEGER PRIMARY KEY AUTOINCREMENT,
    bundle_id BLOB NOT NULL UNIQUE,
    -- The link it would take, and whether that one failed just then.
    link TEXT NOT NULL,
    was_down INTEGER NOT NULL,
    -- If a contact had begun at once; then between which seconds it was said to arrive, where it was said.
    soonest_s REAL NOT NULL,
    low_s REAL,
    high_s REAL,
    contacts INTEGER NOT NULL,
    -- When, by all clocks.
    boot TEXT NOT NULL,
    monotonic_s REAL NOT NULL,
    wall_s INTEGER NOT NULL,
    certainty INTEGER NOT NULL,
    -- How long it waited for the next contact to begin, in which one the hub was found to hold it, and how long
    -- that took in all.
    waited_s REAL,
    contact INTEGER,
    actual_s REAL
) STRICT;

CREATE INDEX foretold_arrived ON foretold (link, was_down, foretold) WHERE actual_s IS NOT NULL;

CREATE INDEX foretold_unmet ON foretold (foretold) WHERE actual_s IS NULL;
