"""order_trace.py URL ORDER_ID: prints the traces of an order, each as a tree, from the Jaeger at URL.

A script of its own and not a command of choreo: it is for whoever looks at the services on a machine, and it knows
Jaeger, which the project does not.
"""

import json
import sys
import time
import urllib.parse
import urllib.request

# The attribute that all spans about one order carry, by OpenTelemetry's conventions for messaging.
ORDER_ID = "messaging.message.conversation_id"
EVENT = "cloudevents.event_type"
LAST_EVENTS = ("OrderCompleted", "OrderCancelled")

# What a service has not exported so long after the end of a span is not on its way: the default is five seconds.
EXPORTED_AFTER_S = 10
# The same for spans of an order that looks whole: `up` has the services export after half a second.
WHOLE_AFTER_S = 2
WAIT_S = 15
ANSWER_S = 10
TRACES_MAX = 20

# OTLP's numbers.
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}

WIDTH = 100
SERVICE_WIDTH = 13
KIND_WIDTH = 8
# The two columns of times take 19, and there are two spaces between columns.
SPAN_WIDTH = WIDTH - 19 - SERVICE_WIDTH - KIND_WIDTH - 3 * 2


def main(arguments):
    """Prints the traces. Out: the exit code."""
    if len(arguments) != 2:
        return failed("usage: order_trace.py URL ORDER_ID", 2)
    url, order = arguments
    try:
        traces = wait_for(lambda: traces_of(url, order))
    except (OSError, ValueError, KeyError) as error:
        return failed(f"no good answer from a Jaeger at {url}: {error}\n"
                      "Start it with: deploy/local/up jaeger. One elsewhere: JAEGER_URL=http://HOST:16686")
    if not traces:
        return failed(f"Jaeger at {url} has no trace of order {order}.\n"
                      "It knows the orders of services that were started after it and send it their spans,\n"
                      "and forgets all of them when it stops. deploy/local/status says what runs.")
    for trace in traces:
        print("\n".join(draw(order, trace, sys.stdout.isatty())))
    return 0


def failed(text, code=1):
    print(text, file=sys.stderr)
    return code


def wait_for(read, clock=time.time, sleep=time.sleep):
    """Reads until nothing more is to be expected, for fifteen seconds at most."""
    began = clock()
    while True:
        traces, now = read(), clock()
        newest = max((span["end"] / 1e9 for trace in traces for span in trace["spans"]), default=began)
        whole = traces and all(trace["ended"] and not trace["torn"] for trace in traces)
        if now - newest >= (WHOLE_AFTER_S if whole else EXPORTED_AFTER_S) or now - began >= WAIT_S:
            return traces
        sleep(0.5)


def traces_of(url, order):
    """The traces with a span about the order. A search names a service, and any of them may have heard of the order.

    Only the page's own API finds by attribute, and only version 3 tells the parent of a span that is linked to it too.
    """
    found = set()
    for service in get(url, "/api/services")["data"] or []:
        query = {"service": service, "tags": json.dumps({ORDER_ID: order}), "start": 0,
                 "end": int((time.time() + 3600) * 1e6), "limit": TRACES_MAX}
        found.update(trace["traceID"] for trace in get(url, "/api/traces?" + urllib.parse.urlencode(query))["data"])
    traces = [get(url, f"/api/v3/traces/{trace}?raw_traces=true") for trace in found]
    return sorted((read_trace(raw["result"]) for raw in traces), key=lambda trace: trace["began"])


def get(url, path):
    with urllib.request.urlopen(url.rstrip("/") + path, timeout=ANSWER_S) as answer:
        return json.load(answer)


def read_trace(raw):
    """What is shown of a trace, from OTLP's JSON."""
    spans = {}
    for resource in raw["resourceSpans"]:
        service = attributes(resource["resource"]).get("service.name", "unknown")
        for scope in resource["scopeSpans"]:
            spans.update((span["spanId"], read_span(span, service)) for span in scope["spans"])
    roots = [span for span in spans.values() if span["parent"] not in spans]
    for span in spans.values():
        if span["parent"] in spans:
            spans[span["parent"]]["below"].append(span)
    return {
        "id": next(iter(spans.values()))["trace"],
        "spans": list(spans.values()),
        "roots": sorted(roots, key=lambda span: span["began"]),
        "torn": [root for root in roots if root["parent"]],
        "began": min(span["began"] for span in spans.values()),
        "ended": any(span["name"].startswith("send ") and span["event"] in LAST_EVENTS for span in spans.values()),
    }


def read_span(raw, service):
    """What is shown of a span. Times are in nanoseconds since 1970."""
    told, status = attributes(raw), raw.get("status", {})
    parent = raw.get("parentSpanId") or None
    links = [(link["traceId"], link["spanId"]) for link in raw.get("links", [])]
    return {
        "id": raw["spanId"],
        "trace": raw["traceId"],
        "parent": parent,
        # The conventions link the handling of a record to its sender, who is its parent here.
        "links": [link for link in links if link != (raw["traceId"], parent)],
        "name": raw["name"],
        "event": told.get(EVENT, ""),
        "service": service,
        "kind": KINDS.get(raw.get("kind"), ""),
        "error": (told.get("error.type") or status.get("message") or "error") if status.get("code") == 2 else None,
        "began": int(raw["startTimeUnixNano"]),
        "end": int(raw["endTimeUnixNano"]),
        "below": [],
    }


def attributes(of):
    """Those that are text."""
    return {pair["key"]: pair["value"].get("stringValue", "") for pair in of.get("attributes", [])}


def draw(order, trace, colours=False):
    """The trace as lines of text."""
    spans = trace["spans"]
    linked = {span for other in spans for link_trace, span in other["links"] if link_trace == trace["id"]}
    marked = [span["id"] for span in sorted(spans, key=lambda span: span["began"]) if span["id"] in linked]
    marks = {span: f"[{number}]" for number, span in enumerate(marked, 1)}
    rows = [row for root in trace["roots"] for row in rows_below(root, "", "", marks, trace["began"])]
    errors = [span for span in spans if span["error"]]
    took = max(span["end"] for span in spans) - trace["began"]
    services = {span["service"] for span in spans}
    yield f"order {order}  trace {trace['id']}"
    yield ", ".join([count(len(spans), "span"), count(len(services), "service"), count(len(trace["roots"]), "root"),
                     count(len(trace["torn"]), "orphan"), count(len(errors), "error"), time_text(took)])
    yield ""
    yield f"{'offset':>9}  {'duration':>8}  {'span':<{SPAN_WIDTH}}  {'service':<{SERVICE_WIDTH}}  kind"
    for text, is_error in rows:
        yield f"\033[31m{text}\033[0m" if is_error and colours else text
    yield ""
    for span in errors:
        yield f"ERROR at {time_text(span['began'] - trace['began'])}, {span['service']}, {span['name']}: {span['error']}"
    if marks:
        yield "← [n]: linked to span [n], which it rests on too"
    if trace["torn"]:
        yield "?: its parent is not here: not exported, or a producer without telemetry"
    if not trace["ended"]:
        yield "The order has not ended, or its last spans are still on their way."


def rows_below(span, stem, next_stem, marks, began):
    """The row of a span and those of all below it."""
    text = span["name"]
    if span["event"] and span["event"] not in text:
        text += f"  {span['event']}"
    notes = ["ERROR"] if span["error"] else []
    notes += [marks[span["id"]]] if span["id"] in marks else []
    notes += ["←"] * bool(span["links"]) + sorted(marks.get(other, f"trace {trace[:8]}…") for trace, other in span["links"])
    unknown = "? " if not stem and span["parent"] else ""
    tree = cut("  ".join([stem + unknown + text, " ".join(notes)]).rstrip(), SPAN_WIDTH)
    yield (f"{time_text(span['began'] - began):>9}  {time_text(span['end'] - span['began']):>8}  {tree:<{SPAN_WIDTH}}  "
           f"{cut(span['service'], SERVICE_WIDTH):<{SERVICE_WIDTH}}  {span['kind']}", bool(span["error"]))
    below = sorted(span["below"], key=lambda span: span["began"])
    for child in below:
        last = child is below[-1]
        yield from rows_below(child, next_stem + ("└ " if last else "├ "), next_stem + ("  " if last else "│ "),
                              marks, began)


def cut(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def time_text(nanoseconds):
    milliseconds = nanoseconds / 1e6
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds:.0f} ms"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
