-- Pieces. For each SKU: initial + received = available + the sum of its reservations.
-- To see what breaks that (no row should come):
--   SELECT s.sku FROM stock s LEFT JOIN reservations r ON r.sku = s.sku
--   GROUP BY s.sku, s.initial, s.received, s.available
--   HAVING s.initial + s.received <> s.available + COALESCE(SUM(r.quantity), 0);
CREATE TABLE stock (
    sku TEXT PRIMARY KEY,
    initial BIGINT NOT NULL CHECK (initial >= 0),
    received BIGINT NOT NULL CHECK (received >= 0),
    available BIGINT NOT NULL CHECK (available >= 0)
);

-- What is reserved now. A cancelled order's rows are deleted.
CREATE TABLE reservations (
    order_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, sku)
);

-- The last word on each order: cancelled_unheard, rejected, reserved or released.
CREATE TABLE last_words (
    order_id TEXT PRIMARY KEY,
    word TEXT NOT NULL
);
