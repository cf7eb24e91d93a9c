#!/bin/sh
# What the lab is measured against: one cell of incompatible-version by hand, as fast as a shell script can do it. The same
# binaries, the same configuration, the same commands, and the same questions at the end (the exact error; anything left?).
#
#   rival.sh CONTAINERD RUNC CRICTL OLD_PLUGINS NEW_PLUGINS PAUSE_TAR CONFIG CONFLIST [IPTABLES_USR]
#
# all but the last three are folders of programs; prints one line and exits 0 if everything was as expected.
set -eu
if [ "${RIVAL_INSIDE:-}" = '' ]; then
  exec env RIVAL_INSIDE=1 unshare --mount --pid --fork --net --uts --ipc --cgroup --mount-proc --kill-child --propagation private "$0" "$@"
fi
containerd=$1 runc=$2 crictl=$3 old=$4 new=$5 pause=$6 config=$7 conflist=$8 iptables=${9:-}

# a node: nothing of the host's that could be written or could change the result
work=$(dirname "$config")
if [ -n "$iptables" ]; then mount -t overlay overlay -o "lowerdir=$iptables:/usr" /usr; fi
mkdir -p /opt/cni /etc/cni /etc/containerd /var/lib/cni /var/lib/containerd
for folder in /opt/cni /etc/cni /etc/containerd /var/lib/cni /var/lib/containerd /run; do mount -t tmpfs tmpfs "$folder"; done
mkdir -p /opt/cni/bin /etc/cni/net.d /run/netns
ip link set lo up
ln -s "$old"/* /opt/cni/bin/
ln -sf "$new/loopback" /opt/cni/bin/loopback
cp "$config" /etc/containerd/config.toml
cp "$conflist" /etc/cni/net.d/10-containerd-net.conflist
export PATH="$containerd:$runc:$crictl:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export CONTAINER_RUNTIME_ENDPOINT=unix:///run/containerd/containerd.sock IMAGE_SERVICE_ENDPOINT=unix:///run/containerd/containerd.sock

"$containerd/containerd" 2>/run/containerd.log &
until ctr version >/dev/null 2>&1; do sleep 0.01; done
ctr --namespace k8s.io images import "$pause" >/dev/null

pod() {
  echo "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\",\"uid\":\"web-uid\",\"attempt\":$1},\"hostname\":\"web\",\"linux\":{}}" >/run/web.json
  crictl runp /run/web.json
}

if pod 0 2>/run/error; then exit 1; fi
grep -q 'incompatible CNI versions; config is' /run/error
rm -rf /opt/cni/bin/*
ln -s "$new"/* /opt/cni/bin/
id=$(pod 1)
crictl stopp "$id" >/dev/null
crictl rmp "$id" >/dev/null

left=$(
  ls /run/netns
  ls /var/lib/cni/networks/containerd-net | grep -v -e last_reserved_ip -e lock || true
  ls /var/lib/cni/results
  iptables-save | grep "$id" || true
  ip6tables-save | grep "$id" || true
  ip -o link show type veth
  crictl pods -q
  pgrep -f containerd-shim || true
)
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
echo "pass"
