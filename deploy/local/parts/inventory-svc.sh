# inventory-svc: reserves stock.
# shellcheck shell=bash disable=SC2034,SC2154 # `part` sources lib.sh and then this file; service.sh reads the names.

database=inventory
port_variable=INVENTORY_SVC_PORT
port_default=8081
# shellcheck source=deploy/local/service.sh
source "$here/service.sh"
