# What all parts share: folders, packages, ports, processes. Sourced by the scripts of this folder and by `.ci/run`.
# shellcheck shell=bash

# A part starts after the parts that it needs, so this order is the order of starting. order-svc takes orders, so it
# starts last and ends first.
all_parts=(kafka postgres jaeger inventory-svc logistics-svc seller-svc order-svc)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034 # The parts' files read it.
cache_dir=$here/.cache
state_dir=${CHOREO_STATE_DIR:-$here/.state}
mkdir -p "$state_dir"
state_dir=$(cd "$state_dir" && pwd)
# `down --purge` deletes this folder, so it must be one that was made for this.
if [ ! -e "$state_dir/.choreography" ]; then
  [ -z "$(ls -A "$state_dir")" ] || { echo "CHOREO_STATE_DIR=$state_dir is not empty, and not ours." >&2 && exit 1; }
  touch "$state_dir/.choreography"
fi
log_dir=$state_dir/logs
start_timeout_seconds=${CHOREO_START_TIMEOUT_SECONDS:-90}
stop_timeout_seconds=20

# Where cargo puts what it builds: the folder of the profile dev is called debug.
profile=${CHOREO_PROFILE:-release}
target_dir=$(cd "$top" && realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
# shellcheck disable=SC2034 # Its readers source this file.
binaries=$target_dir/${profile/#dev/debug}

# The part that a script works on: `part` sets it.
part=${part:-}

say() { printf '%s%s\n' "${part:+$part: }" "$*"; }

die() {
  say "$*" >&2
  exit 1
}

log_file() { echo "$log_dir/$part.log"; }

# show_log: what the part has written since its start, or the end of it.
show_log() { tail -c +"$(($(cat "$state_dir/run/$part/log_offset") + 1))" "$(log_file)" | tail -n 30; }

# --- Which parts ------------------------------------------------------------------------------------------------

# is_service PART: whether it is a service of this project, which has to be built.
is_service() { [[ $1 = *-svc ]]; }

# with_needs PART...: these parts and those that they cannot do without, a line each, in the order of starting.
with_needs() {
  local name wanted=" $* "
  for name in "$@"; do
    [ -f "$here/parts/$name.sh" ] || die "there is no part $name; the parts are: ${all_parts[*]}"
    ! is_service "$name" || wanted+="kafka postgres "
  done
  for name in "${all_parts[@]}"; do [[ $wanted != *" $name "* ]] || echo "$name"; done
}

# --- Packages ---------------------------------------------------------------------------------------------------

# install_packages PACKAGE...: by apt-get on Debian as root; elsewhere it says what is missing and ends.
install_packages() {
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    die "missing: $*. Install it with your package manager, or run this as root on Debian."
  fi
  say "installing with apt-get: $*"
  apt_get update && apt_get install --yes --no-install-recommends "$@"
}

# What apt-get prints is of interest only when it fails. Another apt-get may hold the lock for a while.
apt_get() {
  mkdir -p "$log_dir"
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@" >>"$log_dir/apt.log" 2>&1 ||
    { tail -n 20 "$log_dir/apt.log" >&2 && die "apt-get failed; all of it is in $log_dir/apt.log"; }
}

# --- Ports and HTTP ---------------------------------------------------------------------------------------------

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# need_port VARIABLE PORT: ends, naming the variable that chooses another port, when something listens there.
need_port() {
  ! port_answers "$2" ||
    die "port $2 is taken by another program. Choose another one: $1=$(($2 + 10000)) deploy/local/up"
}

# http_get PORT PATH: prints the body of the answer; fails when there is none, or one that is not 200.
http_get() {
  local answer
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3 || return 1
  answer=$(timeout 2 cat <&3)
  exec 3>&-
  echo "${answer#*$'\r\n\r\n'}"
  [[ $answer = "HTTP/1."?" 200 "* ]]
} 2>/dev/null

# setting PART VARIABLE DEFAULT: what a running part was started with; else the environment's value; else the default.
setting() {
  local kept=$state_dir/run/$1/$2
  if is_running "$1" && [ -f "$kept" ]; then cat "$kept"; else echo "${!2:-$3}"; fi
}

# keep_setting VARIABLE VALUE: for as long as the part runs.
keep_setting() { echo "$2" >"$state_dir/run/$part/$1"; }

# --- Processes --------------------------------------------------------------------------------------------------

# A process id is used again after a while, so a process is known by its id and the time at which it began.
# birth_of PID: that time, in ticks since the machine started; nothing when the process has ended.
birth_of() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  # The name, in brackets, may hold blanks; the fields after it are counted from the state: proc(5).
  read -ra stat <<<"${stat##*) }"
  [ "${stat[0]}" = Z ] || echo "${stat[19]}"
}

pid_of() { cat "$state_dir/run/$1/pid"; }

# is_running PART
is_running() {
  local birth run_dir=$state_dir/run/$1
  [ -f "$run_dir/pid" ] || return 1
  birth=$(birth_of "$(pid_of "$1")")
  [ -n "$birth" ] && [ "$birth" = "$(cat "$run_dir/birth")" ]
}

# start_process COMMAND...: starts the part in the background, in a session of its own so that Ctrl-C and a closed
# terminal spare it. The process writes down its own id before it becomes the part, so that an `up` that is interrupted
# in between leaves nothing behind that `down` does not know.
start_process() {
  local run_dir=$state_dir/run/$part
  rm -rf "$run_dir"
  mkdir -p "$run_dir"
  touch "$(log_file)"
  stat --format %s "$(log_file)" >"$run_dir/log_offset"
  (
    birth_of "$BASHPID" >"$run_dir/birth"
    echo "$BASHPID" >"$run_dir/pid.new"
    mv "$run_dir/pid.new" "$run_dir/pid"
    exec setsid "$@"
  ) </dev/null >>"$(log_file)" 2>&1 &
  while [ ! -f "$run_dir/pid" ] && kill -0 $! 2>/dev/null; do sleep 0.01; done
}

# wait_until COMMAND...: until it succeeds; or shows why the part does not come up, and ends.
wait_until() {
  local began=$SECONDS why=
  until "$@"; do
    is_running "$part" || why="has ended right after its start"
    [ $((SECONDS - began)) -lt "$start_timeout_seconds" ] || why="does not answer after $start_timeout_seconds s"
    if [ -n "$why" ]; then
      show_log >&2
      stop
      die "$why; all of its log is in $(log_file)"
    fi
    sleep 0.2
  done
}

# stop_process SIGNAL: asks with the signal, and kills what has not ended in time.
stop_process() {
  if is_running "$part"; then
    kill -s "$1" "$(pid_of "$part")" || true
    if ! has_ended_within "$stop_timeout_seconds"; then
      say "has not ended in $stop_timeout_seconds s and is killed"
      kill -s KILL "$(pid_of "$part")" || true
      has_ended_within 5 || die "process $(pid_of "$part") cannot be ended"
    fi
  fi
  rm -rf "${state_dir:?}/run/$part"
}

has_ended_within() {
  local deadline=$((SECONDS + $1))
  while is_running "$part"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}
