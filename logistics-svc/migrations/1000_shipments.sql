-- How far the shipment of each order is.
CREATE TABLE shipments (
    order_id TEXT PRIMARY KEY,
    -- cancelled unheard, planned, not shipped, dispatched, delivered
    status TEXT NOT NULL,
    -- Who will carry it; only while it is planned.
    carrier TEXT
);
