#!/usr/bin/env bash
# The reference egress configuration, tried: a network of applications behind examples/egress/nftables.conf, the built program as its gateway, a provider beyond it.
# A direct call fails, a call through the gateway passes: egress.sh DIRECTORY
# Requirement: G01, W27
set -euo pipefail
rm -rf "$1"
mkdir -p "$1"
place=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/install.sh
ensure_command ip iproute2
ensure_command nft nftables
. scripts/program.sh

# All of it happens in namespaces that end with this script; nothing of the machine's own network is changed.
# shellcheck disable=SC2016 # the inner shell expands
unshare --map-root-user --net --mount -- sh -euc '
  mount -t tmpfs tmpfs /run
  ip link set lo up
  for other in applications outside; do
    ip netns add "$other"
    ip -netns "$other" link set lo up
  done
  ip link add app0 type veth peer name gate netns applications
  ip link add out0 type veth peer name gate netns outside
  ip address add 10.77.1.1/24 dev app0
  ip address add 10.77.2.1/24 dev out0
  ip -netns applications address add 10.77.1.2/24 dev gate
  ip -netns outside address add 10.77.2.2/24 dev gate
  ip link set app0 up
  ip link set out0 up
  for other in applications outside; do ip -netns "$other" link set gate up; done
  # As open as it can be without the rules: everything is forwarded, and everybody knows the way.
  echo 1 >/proc/sys/net/ipv4/ip_forward
  ip -netns applications route add default via 10.77.1.1
  ip -netns outside route add default via 10.77.2.1
  exec python3 -B scripts/peers/egress.py "$1"
' egress "$place"
