# Apache Kafka: one node in KRaft mode, from its jars.
# shellcheck shell=bash disable=SC2154 # `part` sources lib.sh and then this file.

port=$(setting kafka KAFKA_PORT 9092)
controller_port=$(setting kafka KAFKA_CONTROLLER_PORT 9093)
# Where clients are told to go: to a proxy, if there is one in between.
advertised_port=${KAFKA_ADVERTISED_PORT:-$port}
jars=$cache_dir/kafka
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

install() {
  if ! java_is_new_enough; then
    install_packages default-jre-headless
    java_is_new_enough || die "needs Java 17 or newer, and '$java' is older. Set JAVA_HOME."
  fi
  mkdir -p "$cache_dir"
  # Two checkouts of state may share the cache, so only one at a time fills it.
  (
    flock 9
    has_jars || fetch_jars
  ) 9>"$cache_dir/kafka.lock"
}

java_is_new_enough() {
  local major
  major=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || return 1
  [ "${major:-0}" -ge 17 ]
}

has_jars() { cmp --silent "$here/kafka/pom.xml" "$jars/pom.xml"; }

fetch_jars() {
  command -v mvn >/dev/null || install_packages maven
  say "fetching Apache Kafka with Maven, some 45 MB, once"
  rm -rf "$jars"
  mvn -Dstyle.color=never --quiet --batch-mode --strict-checksums --file "$here/kafka/pom.xml" \
    dependency:copy-dependencies -DoutputDirectory="$jars" >"$log_dir/maven.log" 2>&1 ||
    { tail -n 20 "$log_dir/maven.log" >&2 && die "Maven failed; all of it is in $log_dir/maven.log"; }
  # Copied last: it stands for a complete folder.
  cp "$here/kafka/pom.xml" "$jars/pom.xml"
}

start() {
  need_port KAFKA_PORT "$port"
  need_port KAFKA_CONTROLLER_PORT "$controller_port"
  mkdir -p "$data_dir"
  server_properties >"$data_dir/server.properties"
  [ -f "$data_dir/log/meta.properties" ] || format
  # Several options are several words.
  # shellcheck disable=SC2086
  start_process "$java" ${KAFKA_HEAP_OPTS:--Xmx512m} -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true \
    -Dlog4j2.configurationFile="$here/kafka/log4j2.properties" \
    -cp "$jars/*" kafka.Kafka "$data_dir/server.properties"
  keep_setting KAFKA_PORT "$port"
  keep_setting KAFKA_CONTROLLER_PORT "$controller_port"
}

server_properties() {
  local text
  text=$(cat "$here/kafka/server.properties")
  text=${text//@PORT@/"$port"}
  text=${text//@ADVERTISED_PORT@/"$advertised_port"}
  text=${text//@CONTROLLER_PORT@/"$controller_port"}
  # Of two lines with one key Kafka takes the last.
  printf '%s\n' "${text//@LOG_DIR@/"$data_dir/log"}" "${KAFKA_SERVER_PROPERTIES:-}"
}

# An empty log folder first needs a cluster id: 16 bytes in URL-safe base64. A leading dash would look like an option.
format() {
  local id
  id=${KAFKA_CLUSTER_ID:-K$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22)}
  "$java" -Dlog4j2.configurationFile="$here/kafka/log4j2.properties" -cp "$jars/*" \
    kafka.tools.StorageTool format --cluster-id "$id" --config "$data_dir/server.properties" >>"$(log_file)" 2>&1 ||
    { tail -n 20 "$(log_file)" >&2 && die "the log folder cannot be formatted"; }
}

# Asks for metadata, without a JVM: a Metadata request, version 1, correlation id 1, no client id, about no topics.
# Ready is who answers with brokers in its cluster, nine at most; before it has joined that it answers with none.
ready() {
  local size_correlation_brokers
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf '\0\0\0\016\0\003\0\001\0\0\0\001\377\377\0\0\0\0' >&3 || return 1
  size_correlation_brokers=$(timeout 2 head -c 12 <&3 | od -An -v -t u1 | tr -s ' ')
  exec 3>&-
  [[ $size_correlation_brokers = *" 0 0 0 1 0 0 0 "[1-9] ]]
} 2>/dev/null

describe() {
  echo "  brokers  127.0.0.1:$port"
}
