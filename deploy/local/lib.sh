# What all parts share: folders, packages, ports, processes. Sourced by `part`, `up`, `down`, `status` and `.ci/run`.
# shellcheck shell=bash

# A part starts after the parts that it needs, so this order is the order of starting.
# shellcheck disable=SC2034 # Its readers source this file.
all_parts=(kafka postgres)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
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

# The part that a script works on: `part` sets it.
part=${part:-}

say() { printf '%s%s\n' "${part:+$part: }" "$*"; }

die() {
  say "$*" >&2
  exit 1
}

log_file() { echo "$log_dir/$part.log"; }

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

# --- Ports ------------------------------------------------------------------------------------------------------

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# need_port VARIABLE PORT: ends, naming the variable that chooses another port, when something listens there.
need_port() {
  ! port_answers "$2" ||
    die "port $2 is taken by another program. Choose another one: $1=$(($2 + 10000)) deploy/local/up"
}

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

# started PID: from now on this process is the part.
started() {
  local run_dir=$state_dir/run/$part
  mkdir -p "$run_dir"
  birth_of "$1" >"$run_dir/birth"
  echo "$1" >"$run_dir/pid"
}

# start_process COMMAND...: in the background, in a session of its own so that Ctrl-C and a closed terminal spare it.
start_process() {
  setsid "$@" </dev/null >>"$(log_file)" 2>&1 &
  started $!
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
