"""The tests of order_trace.py: python3 -m unittest discover deploy/local/jaeger"""

import contextlib
import http.server
import io
import json
import threading
import time
import unittest
import urllib.parse

import order_trace

ORDER, TRACE = "order-1", "4bf92f3577b34da6a3ce929d0e0e4736"
BEGAN = 1_700_000_000_000_000_000
# id, parent, begins and lasts in ms, kind, service, name, event, links
SPANS = [
    ("01", "", 0, 9, 2, "order-svc", "POST /orders", "", []),
    ("02", "01", 1, 8, 4, "order-svc", "send orders", "OrderPlaced", []),
    ("03", "02", 30, 1, 5, "inventory-svc", "process orders", "OrderPlaced", ["02"]),
    ("04", "03", 31, 9, 4, "inventory-svc", "send inventory", "StockReserved", []),
    ("05", "02", 20, 1, 5, "seller-svc", "process orders", "OrderPlaced", ["02"]),
    ("06", "05", 21, 9, 4, "seller-svc", "send sellers", "SellerNotified", []),
    ("07", "04", 50, 1, 5, "order-svc", "process inventory", "StockReserved", ["04"]),
    ("08", "07", 51, 9, 4, "order-svc", "send orders", "OrderConfirmed", ["04", "06"]),
    ("09", "02", 40, 1, 5, "order-svc", "process orders", "OrderPlaced", ["02"]),
    ("0a", "09", 2000, 1, 1, "order-svc", "timer OrderDeadlinePassed", "OrderDeadlinePassed", []),
    ("0b", "08", 5000, 9, 4, "order-svc", "send orders", "OrderCompleted", []),
]
WHOLE = f"""\
order order-1  trace {TRACE}
11 spans, 3 services, 1 root, 0 orphans, 0 errors, 5009 ms

   offset  duration  span                                                    service        kind
   0.0 ms    9.0 ms  POST /orders                                            order-svc      server
   1.0 ms    8.0 ms  └ send orders  OrderPlaced                              order-svc      producer
  20.0 ms    1.0 ms    ├ process orders  OrderPlaced                         seller-svc     consumer
  21.0 ms    9.0 ms    │ └ send sellers  SellerNotified  [1]                 seller-svc     producer
  30.0 ms    1.0 ms    ├ process orders  OrderPlaced                         inventory-svc  consumer
  31.0 ms    9.0 ms    │ └ send inventory  StockReserved  [2]                inventory-svc  producer
  50.0 ms    1.0 ms    │   └ process inventory  StockReserved                order-svc      consumer
  51.0 ms    9.0 ms    │     └ send orders  OrderConfirmed  ← [1] [2]        order-svc      producer
  5000 ms    9.0 ms    │       └ send orders  OrderCompleted                 order-svc      producer
  40.0 ms    1.0 ms    └ process orders  OrderPlaced                         order-svc      consumer
  2000 ms    1.0 ms      └ timer OrderDeadlinePassed                         order-svc      internal

← [n]: linked to span [n], which it rests on too
"""


def otlp(spans, failed=()):
    """A trace as Jaeger tells it in version 3 of its API."""
    def text(**pairs):
        return [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in pairs.items()]
    resources = []
    for number, parent, begins, lasts, kind, service, name, event, links in spans:
        span = {"traceId": TRACE, "spanId": number, "parentSpanId": parent, "name": name, "kind": kind,
                "startTimeUnixNano": str(BEGAN + begins * 10**6),
                "endTimeUnixNano": str(BEGAN + (begins + lasts) * 10**6),
                "attributes": text(cloudevents__event_type=event) if event else [],
                "links": [{"traceId": TRACE, "spanId": link} for link in links]}
        if number in failed:
            span.update(status={"code": 2}, attributes=span["attributes"] + text(error__type="NOT_ENOUGH_REPLICAS"))
        resources.append({"resource": {"attributes": text(service__name=service)}, "scopeSpans": [{"spans": [span]}]})
    return {"resourceSpans": resources}


def drawn(spans, failed=()):
    return "\n".join(order_trace.draw(ORDER, order_trace.read_trace(otlp(spans, failed))))


class Jaeger(http.server.BaseHTTPRequestHandler):
    """Knows one trace of one order, by one of two services."""

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/api/services":
            answer = {"data": ["seller-svc", "order-svc"]}
        elif url.path == "/api/traces":
            asked = json.loads(query["tags"]) == {"messaging.message.conversation_id": ORDER}
            answer = {"data": [{"traceID": TRACE}] if asked and query["service"] == "order-svc" else []}
        else:
            assert url.path == f"/api/v3/traces/{TRACE}", self.path
            answer = {"result": otlp(SPANS)}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


class OrderTrace(unittest.TestCase):
    maxDiff = None

    def test_a_whole_trace_is_asked_for_and_drawn(self):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Jaeger) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                code = order_trace.main([f"http://127.0.0.1:{server.server_port}", ORDER])
            server.shutdown()
        self.assertEqual((code, said.getvalue()), (0, WHOLE))

    def test_no_line_is_wider_than_a_hundred_columns(self):
        deep = [(str(n), str(n - 1), n, 1, 5, "a-service-with-a-long-name", "process orders", "AnEvent", [])
                for n in range(60)]
        self.assertEqual(max(map(len, drawn(deep).splitlines())), 100)

    def test_what_is_torn_off_failed_or_missing_is_told(self):
        text = drawn([span for span in SPANS if span[0] not in ("05", "0b")], failed=["04"])
        self.assertIn("9 spans, 3 services, 2 roots, 1 orphan, 1 error", text)
        self.assertIn("? send sellers  SellerNotified", text)
        self.assertIn("└ send inventory  StockReserved  ERROR [2]", text)
        self.assertIn("ERROR at 31.0 ms, inventory-svc, send inventory: NOT_ENOUGH_REPLICAS", text)
        self.assertIn("The order has not ended", text)

    def test_spans_on_their_way_are_waited_for(self):
        now = [BEGAN / 1e9 + 0.1]
        def read():
            exported = [span for span in SPANS if BEGAN / 1e9 + span[2] / 1e3 + 0.5 < now[0]]
            return [order_trace.read_trace(otlp(exported))] if exported else []
        traces = order_trace.wait_for(read, lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
        self.assertEqual(len(traces[0]["spans"]), len(SPANS))
        self.assertLess(now[0] - BEGAN / 1e9, 8)

    def test_nobody_waits_for_an_order_that_ended_long_ago(self):
        began = time.monotonic()
        order_trace.wait_for(lambda: [order_trace.read_trace(otlp(SPANS))])
        self.assertLess(time.monotonic() - began, 0.4)

    def test_a_jaeger_that_is_away_is_told_of(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(order_trace.main(["http://127.0.0.1:1", ORDER]), 1)
        self.assertIn("deploy/local/up jaeger", said.getvalue())


if __name__ == "__main__":
    unittest.main()
