# logistics-svc: plans shipments.
# shellcheck shell=bash disable=SC2034,SC2154 # `part` sources lib.sh and then this file; service.sh reads the names.

database=logistics
port_variable=LOGISTICS_SVC_PORT
port_default=8082
# shellcheck source=deploy/local/service.sh
source "$here/service.sh"
