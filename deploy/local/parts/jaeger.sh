# Jaeger: takes spans over OTLP, keeps traces in memory, and answers questions about them.
# shellcheck shell=bash disable=SC2154,SC2164 # `part` sources lib.sh and then this file, under `set -e`.

port=$(setting jaeger JAEGER_PORT 16686)
otlp_grpc_port=$(setting jaeger OTLP_GRPC_PORT 4317)
otlp_http_port=$(setting jaeger OTLP_HTTP_PORT 4318)

# cmd/jaeger of this version is Jaeger 2.13; later ones have no version that Go's module proxy knows.
module=github.com/jaegertracing/jaeger
version=v1.76.0
sum=h1:sWCOOF1dr+NL0PLil7mFo3BqqQL8k4WiM7aguFbc14g=
# What its go.mod asks for; a newer one will do as well.
go_version=1.25.4

built=$cache_dir/jaeger-$version
binary=${JAEGER_BINARY:-$built}

install() {
  if [ -n "${JAEGER_BINARY:-}" ]; then
    [ -x "$binary" ] || die "JAEGER_BINARY=$binary is not a program"
    return
  fi
  mkdir -p "$cache_dir"
  # Two checkouts of state may share the cache, so only one at a time fills it.
  (
    flock 9
    [ -x "$built" ] || build
  ) 9>"$cache_dir/jaeger.lock"
}

# All that Go needs for it is in one folder, which is deleted at the end: 3 GB. What an interrupted build has done stays.
build() {
  local folder=$cache_dir/jaeger-build
  say "building Jaeger from source, once; it takes five to ten minutes, and 3 GB of disk meanwhile"
  say "to go on without it: deploy/local/up order-svc inventory-svc logistics-svc seller-svc"
  mkdir -p "$folder"
  cd "$folder"
  unset GOROOT
  export GOMODCACHE=$folder/modules GOCACHE=$folder/objects GOFLAGS=-modcacherw GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
  go=go
  go_is_new_enough || fetch_go
  fetch_source
  compile
  mv "$folder/jaeger" "$built"
  cd "$here"
  rm -rf "$folder"
}

go_is_new_enough() {
  local found
  found=$(command -v go >/dev/null && go env GOVERSION) || return 1
  printf 'go%s\n%s\n' "$go_version" "$found" | sort --version-sort --check=quiet
}

# Go's own module proxy serves Go too, and any Go can fetch it, also the old one of a distribution.
fetch_go() {
  command -v go >/dev/null || install_packages golang-go
  local toolchain
  toolchain=golang.org/toolchain@v0.0.1-go$go_version.$(go env GOOS)-$(go env GOARCH)
  say "fetching Go $go_version, because $(go env GOVERSION) is too old"
  logged go mod download "$toolchain"
  # An old Go unpacks it as it does any module: without a program in it.
  chmod -R a+x "$GOMODCACHE/$toolchain"/{bin,pkg/tool}
  go=$GOMODCACHE/$toolchain/bin/go
}

# In its own folder, because it replaces modules, which holds only for the module that is built. Its go.sum pins all that
# it needs, and we pin it.
fetch_source() {
  local found
  say "fetching its source and that of all it needs"
  found=$("$go" mod download -json "$module@$version" | sed -n 's/.*"Sum": "\(.*\)".*/\1/p')
  [ "$found" = "$sum" ] || die "$module@$version has the checksum '$found' and should have $sum"
  rm -rf source
  cp -r "$GOMODCACHE/$module@$version" source
  cd source
  "$go" list -deps ./cmd/jaeger 2> >(progress modules) >../packages
}

# Without optimisations and debug information, which a Jaeger for one developer does not need, it takes a third less time.
compile() {
  "$go" build -v -trimpath -gcflags='all=-N -l -dwarf=false' -ldflags='-s -w' -o ../jaeger ./cmd/jaeger 2>&1 |
    tee -a "$log_dir/jaeger-build.log" | progress "of $(wc -l <../packages) packages" ||
    { tail -n 20 "$log_dir/jaeger-build.log" >&2 && die "Go failed; all of it is in $log_dir/jaeger-build.log"; }
}

logged() {
  "$@" >>"$log_dir/jaeger-build.log" 2>&1 ||
    { tail -n 20 "$log_dir/jaeger-build.log" >&2 && die "$1 failed; all of it is in $log_dir/jaeger-build.log"; }
}

# progress WHAT: counts the lines that come in, and says every ten seconds how many there were.
progress() {
  local began=$SECONDS told=$SECONDS count=0 code
  # More than 128 is a time-out, 1 is the end.
  while code=0; read -r -t 1 || code=$?; [ $code -ne 1 ]; do
    [ $code -ne 0 ] || count=$((count + 1))
    if [ $((SECONDS - told)) -ge 10 ]; then
      told=$SECONDS
      say "  $count $1 after $((SECONDS - began)) s"
    fi
  done
}

start() {
  need_port JAEGER_PORT "$port"
  need_port OTLP_GRPC_PORT "$otlp_grpc_port"
  need_port OTLP_HTTP_PORT "$otlp_http_port"
  start_process env JAEGER_PORT="$port" OTLP_GRPC_PORT="$otlp_grpc_port" OTLP_HTTP_PORT="$otlp_http_port" \
    "$binary" --config "$here/jaeger/config.yaml"
  keep_setting JAEGER_PORT "$port"
  keep_setting OTLP_GRPC_PORT "$otlp_grpc_port"
  keep_setting OTLP_HTTP_PORT "$otlp_http_port"
}

ready() { http_get "$port" /api/services >/dev/null && port_answers "$otlp_http_port"; }

describe() {
  echo "  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:$otlp_http_port, over gRPC 127.0.0.1:$otlp_grpc_port"
  echo "  API and page  http://127.0.0.1:$port"
}
