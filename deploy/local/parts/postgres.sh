# PostgreSQL: a cluster of its own, with one database for each service.
# shellcheck shell=bash disable=SC2154 # `part` sources lib.sh and then this file.

databases="orders inventory logistics sellers"
port=$(setting postgres POSTGRES_PORT 5432)
cluster=$data_dir/cluster
# PostgreSQL refuses to be run by root, so root runs it as this user.
owner=()
[ "$(id -u)" -ne 0 ] || owner=(setpriv --reuid=postgres --regid=postgres --init-groups --)
no_debian_cluster=/etc/postgresql-common/createcluster.d/choreography.conf

install() {
  [ -n "$(bin_dir)" ] || install_debian_package
  [ -n "$(bin_dir)" ] || die "PostgreSQL is installed, but its initdb is not found. Add its folder to PATH."
}

# Where initdb, pg_ctl and psql are: Debian keeps them out of PATH, one folder for each version.
bin_dir() {
  local newest
  newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort --version-sort | tail -n 1)
  [ -n "$newest" ] || newest=$(command -v initdb) || return 0
  dirname "$(readlink -f "$newest")"
}

# Debian's package would make and start a cluster of its own on port 5432. One that is there already stays as it is.
install_debian_package() {
  if [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$(dirname "$no_debian_cluster")"
    trap 'rm -f "$no_debian_cluster"' EXIT
    echo "create_main_cluster = false" >"$no_debian_cluster"
  fi
  install_packages postgresql
}

start() {
  need_port POSTGRES_PORT "$port"
  # This file is the last that a new cluster gets.
  [ -f "$cluster/choreography.conf" ] || make_cluster
  cp "$here/postgres/postgresql.conf" "$cluster/choreography.conf"
  chmod 644 "$cluster/choreography.conf"
  grep --quiet choreography.conf "$cluster/postgresql.conf" ||
    echo "include = 'choreography.conf'" >>"$cluster/postgresql.conf"
  cd /
  start_process "${owner[@]}" "$(bin_dir)/postgres" -D "$(readlink -f "$cluster")" -p "$port"
  keep_setting POSTGRES_PORT "$port"
}

# Any name may connect as any other, without a password, from this machine only: for development.
make_cluster() {
  make_folder
  as_owner initdb --pgdata "$(readlink -f "$cluster")" --username postgres --auth trust --no-locale --encoding UTF8 \
    --data-checksums >>"$(log_file)" 2>&1 ||
    { tail -n 20 "$(log_file)" >&2 && die "initdb failed; all of its log is in $(log_file)"; }
}

# The user postgres may not be able to reach the state folder: in the home of root, say. Then its data is in its own
# home, and a link to it in the state folder.
make_folder() {
  mkdir -p "$data_dir"
  rm -rf "$cluster"
  mkdir "$cluster"
  [ "$(id -u)" -eq 0 ] || return 0
  chown postgres: "$cluster"
  as_owner test -w "$cluster" && return
  rmdir "$cluster"
  ln -s "$(as_owner mktemp -d "$(getent passwd postgres | cut -d : -f 6)/choreography.XXXXXX")" "$cluster"
}

# Fails until PostgreSQL takes connections; that alone is not worth a line of the log.
prepare() { as_admin "SELECT" &>/dev/null && make_databases >>"$(log_file)" 2>&1; }

make_databases() {
  as_admin "DO \$\$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'choreo') THEN CREATE ROLE choreo LOGIN CREATEDB; END IF;
  END \$\$" || return 1
  for database in $databases; do
    [ -n "$(as_admin "SELECT 1 FROM pg_database WHERE datname = '$database'")" ] ||
      as_admin "CREATE DATABASE $database OWNER choreo" || return 1
  done
}

as_admin() { query postgres postgres "$1"; }

# query USER DATABASE SQL: prints what comes back, without a heading.
query() {
  PGCONNECT_TIMEOUT=2 "$(bin_dir)/psql" --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
    "postgres://$1@127.0.0.1:$port/$2" --command "$3"
}

# as_owner COMMAND...: as the user that the cluster belongs to, in a folder that this user can enter.
as_owner() (
  cd /
  PATH=$(bin_dir):$PATH
  "${owner[@]}" "$@"
)

# INT is PostgreSQL's fast shutdown: with TERM it would wait until all clients have gone.
stop() { stop_process INT; }

purge() {
  rm -rf "$(readlink -f "$cluster")"
  rm -rf "$data_dir"
}

ready() {
  local database
  for database in $databases; do
    query choreo "$database" "SELECT 1" >/dev/null 2>&1 || return 1
  done
}

describe() {
  for database in $databases; do
    echo "  DATABASE_URL=postgres://choreo@127.0.0.1:$port/$database"
  done
}
