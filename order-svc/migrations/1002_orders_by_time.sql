-- All orders, the newest first.
CREATE INDEX orders_by_time ON orders (placed_at, order_id);
