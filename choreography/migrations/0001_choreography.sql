-- The runtime's tables. A service's own tables stand beside them, and never refer to them.

-- Events that had their effect. dead: 0 handled, 1 a dead letter, 2 handled by a replay of its dead letter.
CREATE TABLE handled (
    id       UUID   NOT NULL PRIMARY KEY,
    heard_at BIGINT NOT NULL,
    dead     BIGINT NOT NULL
);
CREATE INDEX handled_heard_at ON handled (heard_at);

-- The sequence of the last answer about a key. Its rows are the locks that keep answers in order.
CREATE TABLE spoken (
    key      TEXT   NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL
);

-- What is decided and not yet known to be on Kafka. Dead letters have no key and no sequence.
CREATE TABLE owed (
    id       UUID   NOT NULL PRIMARY KEY,
    cause    UUID   NOT NULL,
    key      TEXT,
    sequence BIGINT,
    topic    TEXT   NOT NULL,
    record   BYTEA  NOT NULL,
    since    BIGINT NOT NULL
);
CREATE INDEX owed_key ON owed (key, sequence);
CREATE INDEX owed_cause ON owed (cause);

-- What a service gives to itself after a time. due: milliseconds since 1970, by the database's clock.
CREATE TABLE timers (
    id     UUID   NOT NULL PRIMARY KEY,
    due    BIGINT NOT NULL,
    record BYTEA  NOT NULL
);
CREATE INDEX timers_due ON timers (due);
