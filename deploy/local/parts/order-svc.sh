# order-svc: takes orders over HTTP, and ends them.
# shellcheck shell=bash disable=SC2034,SC2154 # `part` sources lib.sh and then this file; service.sh reads the names.

database=orders
port_variable=ORDER_SVC_PORT
port_default=8080
# shellcheck source=deploy/local/service.sh
source "$here/service.sh"
