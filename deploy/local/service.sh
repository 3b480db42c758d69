# What the four services have in common. Their own files in parts/ say:
#   database       the name of the service's database
#   port_variable  the variable that chooses its HTTP port
#   port_default   the port without it
# shellcheck shell=bash disable=SC2154 # `part` sources lib.sh, and the part's file that sources this one.

port=$(setting "$part" "$port_variable" "$port_default")
binary=$binaries/$part

install() { [ -x "$binary" ] || die "is not built; deploy/local/build does that"; }

# Whether what runs is what was built last: a file that cargo has replaced is another one.
is_current() { [ "/proc/$(pid_of "$part")/exe" -ef "$binary" ]; }

start() {
  local brokers
  brokers=127.0.0.1:$(setting kafka KAFKA_PORT 9092)
  need_port "$port_variable" "$port"
  "$binaries/choreo" topics create -b "$brokers" >"$log_dir/topics.log" 2>&1 ||
    { cat "$log_dir/topics.log" >&2 && die "the topics cannot be created"; }
  DATABASE_URL=postgres://choreo@127.0.0.1:$(setting postgres POSTGRES_PORT 5432)/$database
  export DATABASE_URL
  ! is_running jaeger || send_traces
  start_process "$binary" --brokers "$brokers" --http "127.0.0.1:$port"
  keep_setting "$port_variable" "$port"
}

# Spans go out within half a second, not five: whoever looks at a trace waits for it.
send_traces() {
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:$(setting jaeger OTLP_HTTP_PORT 4318)
  OTEL_BSP_SCHEDULE_DELAY=${OTEL_BSP_SCHEDULE_DELAY:-500}
  export OTEL_EXPORTER_OTLP_ENDPOINT OTEL_BSP_SCHEDULE_DELAY
}

ready() { http_get "$port" /readyz >/dev/null; }

describe() {
  echo "  http://127.0.0.1:$port/readyz says $(http_get "$port" /readyz || true)"
}
