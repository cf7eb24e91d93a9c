#!/bin/sh
# What containerd itself needs from its start to its socket, on a node made by hand as in rival.sh; prints milliseconds.
#
#   containerd-alone.sh CONTAINERD CONFIG CONFLIST
set -eu
if [ "${RIVAL_INSIDE:-}" = '' ]; then
  export RIVAL_INSIDE=1
  exec unshare --mount --pid --fork --net --uts --ipc --cgroup --mount-proc --kill-child --propagation private "$0" "$@"
fi
mount -t tmpfs tmpfs /run
mkdir /run/upper /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
mount -t tmpfs tmpfs /opt
mount -t tmpfs tmpfs /var/lib
rm -rf /etc/cni /etc/containerd
mkdir -p /etc/cni/net.d /etc/containerd
cp "$2" /etc/containerd/config.toml
cp "$3" /etc/cni/net.d/

began=$(date +%s%N)
"$1/containerd" 2>/run/containerd.log &
until [ -S /run/containerd/containerd.sock ]; do sleep 0.001; done
ended=$(date +%s%N)
echo $(((ended - began) / 1000000))
