-- Requests with an Idempotency-Key, kept for a day.
CREATE TABLE requests (
    key TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    -- SHA-256 of the order that was asked for, as it is published.
    body_hash BYTEA NOT NULL,
    -- In milliseconds since 1970, by the database's clock.
    asked_at BIGINT NOT NULL
);

CREATE INDEX requests_by_age ON requests (asked_at);
