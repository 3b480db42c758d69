-- What the sellers of each order know.
CREATE TABLE notices (
    order_id TEXT PRIMARY KEY,
    -- cancelled unheard, notified, closed
    status TEXT NOT NULL,
    -- The sellers that were notified, one a line: an id has no control characters.
    sellers TEXT NOT NULL
);
