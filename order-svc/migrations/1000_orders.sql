CREATE TABLE orders (
    order_id TEXT PRIMARY KEY,
    -- placed, confirmed, cancelled or completed. NULL until its OrderPlaced is heard: other events
    -- may come before that, and for readers such an order does not exist yet.
    status TEXT,
    -- When its OrderPlaced was heard, in milliseconds since 1970.
    placed_at BIGINT,
    -- All that decisions need, as JSON: the struct Order of src/state.rs. Times, sellers, who has
    -- answered, and why it was cancelled.
    state TEXT NOT NULL,
    -- The price of all its lines, in minor units of its currency.
    total BIGINT,
    -- The OrderPlaced as JSON, at most a hundred lines of it. The only place of personal data; no
    -- decision reads it.
    body TEXT
);

-- Orders of one status, the newest first.
CREATE INDEX orders_by_status ON orders (status, placed_at, order_id);
