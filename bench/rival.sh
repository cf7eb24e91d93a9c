#!/bin/sh
# What the lab is measured against: one cell of incompatible-version by hand, as fast as a shell script can do it. The same
# binaries, the same configuration, the same commands, and the same questions at the end (the exact error; anything left?).
#
#   rival.sh CONTAINERD RUNC CRICTL OLD_PLUGINS NEW_PLUGINS PAUSE_TAR CONFIG CONFLIST [IPTABLES_USR]
#
# The first five are folders of programs. Prints "pass" and exits 0 if everything was as expected; leaves nothing on the host.
set -eu
if [ "${RIVAL_GROUP:-}" = '' ]; then
  export RIVAL_GROUP="rival-$$"
  unshare --mount --pid --fork --net --uts --ipc --cgroup --mount-proc --kill-child --propagation private "$0" "$@" && code=0 || code=$?
  for group in /sys/fs/cgroup/"$RIVAL_GROUP" /sys/fs/cgroup/*/"$RIVAL_GROUP"; do
    if [ -d "$group" ]; then rmdir "$group"; fi
  done
  exit $code
fi
containerd=$1 runc=$2 crictl=$3 old=$4 new=$5 pause=$6 config=$7 conflist=$8 iptables=${9:-}

# a node: nothing of the host's that could be written or could change the result
mount -t tmpfs tmpfs /run
mkdir /run/upper /run/work /run/netns
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
mount -t tmpfs tmpfs /opt
mount -t tmpfs tmpfs /var/lib
rm -rf /etc/cni /etc/containerd
mkdir -p /opt/cni/bin /etc/cni/net.d /etc/containerd
cp "$config" /etc/containerd/config.toml
cp "$conflist" /etc/cni/net.d/
export PATH="$containerd:$runc:$crictl:/usr/sbin:/usr/bin:/sbin:/bin"
socket=unix:///run/containerd/containerd.sock
printf 'runtime-endpoint: %s\nimage-endpoint: %s\ntimeout: 60\n' $socket $socket >/etc/crictl.yaml
if [ -n "$iptables" ]; then mount -t overlay overlay -o "ro,lowerdir=$iptables:/usr" /usr; fi

containerd 2>/run/containerd.log &
# it waits for the socket by itself; between bind and listen a connection is refused, and then it tries once more
import() { ctr --namespace k8s.io images import "$pause" >/dev/null; }
{ import 2>/dev/null || import; } &
import=$!
ip link set lo up
ln -s "$old"/* /opt/cni/bin/
ln -sf "$new/loopback" /opt/cni/bin/
wait $import

pod() {
  echo "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\",\"uid\":\"web-uid\",\"attempt\":$1},\"hostname\":\"web\",\"linux\":{\"cgroup_parent\":\"/$RIVAL_GROUP\"}}" >/run/web.json
  crictl runp /run/web.json
}

if pod 0 2>/run/error; then echo 'the first pod started'; exit 1; fi
error=$(tail -n 1 /run/error)
id=${error#*sandbox ?\"}
id=${id%%?\"*}
expected="rpc error: code = Unknown desc = failed to setup network for sandbox \\\"$id\\\": plugin type=\\\"bridge\\\" failed (add): incompatible CNI versions; config is \\\"1.0.0\\\", plugin supports [\\\"0.1.0\\\" \\\"0.2.0\\\" \\\"0.3.0\\\" \\\"0.3.1\\\" \\\"0.4.0\\\"]\""
[ "${error#*run pod sandbox: }" = "$expected" ] || { echo "another error: $error"; exit 1; }

rm /opt/cni/bin/*
ln -s "$new"/* /opt/cni/bin/
id=$(pod 1)
crictl stopp "$id" >/dev/null
crictl rmp "$id" >/dev/null

# all at once; a program that cannot look says so in the same file, and then that is what was left
(
  ls /run/netns &
  ls /var/lib/cni/networks/containerd-net | grep -v -x -e last_reserved_ip.0 -e lock &
  ls /var/lib/cni/results &
  iptables-save | grep "$id" &
  ip6tables-save | grep "$id" &
  ip -o link show type veth &
  crictl pods -q &
  pgrep -f containerd-shim &
  grep /run/netns/ /proc/mounts &
  wait
) >/run/left 2>&1
[ ! -s /run/left ] || { echo 'left behind:'; cat /run/left; exit 1; }
echo pass
