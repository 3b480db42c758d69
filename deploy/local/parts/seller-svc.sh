# seller-svc: tells sellers.
# shellcheck shell=bash disable=SC2034,SC2154 # `part` sources lib.sh and then this file; service.sh reads the names.

database=sellers
port_variable=SELLER_SVC_PORT
port_default=8083
# shellcheck source=deploy/local/service.sh
source "$here/service.sh"
