#!/bin/sh
# A container engine in namespaces of its own, for as long as this script's input is open: when the test is over, or is
# killed, all its processes are gone, its cgroups and its folder too. When this script is killed itself, the processes are gone.
# The host's own files are not written to.
#   engine.sh FOLDER CGROUP TREE DISK_MIB COMMAND...
folder=$1 cgroup=$2 tree=$3 disk=$4
shift 4
setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc -- sh -c '
  set -e
  folder=$1 tree=$2 disk=$3
  shift 3
  ip link set lo up
  mount -t tmpfs run /run
  mkdir -p /run/etc /run/etc.work /run/usr /run/usr.work "$folder/data"
  for name in etc usr; do
    mount -t overlay overlay -o "lowerdir=$tree/$name:/$name,upperdir=/run/$name,workdir=/run/$name.work" "/$name"
  done
  mount -t tmpfs opt /opt
  mount -t tmpfs tmp /var/lib
  if [ "$disk" != 0 ]; then mount -t tmpfs -o "size=${disk}m" data "$folder/data"; fi
  exec "$@"
' sh "$folder" "$tree" "$disk" "$@" < /dev/null >> "$folder/log" 2>&1 &
engine=$!
echo "$engine"
cat > /dev/null
# The namespace ends with its first process, and only then nothing writes to the folder any more.
first=$(cat "/proc/$engine/task/$engine/children" 2> /dev/null)
kill -KILL ${first:-$engine} 2> /dev/null
wait "$engine" 2> /dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
  find /sys/fs/cgroup -depth -type d \( -path "*/$cgroup" -o -path "*/$cgroup/*" \) -exec rmdir {} \; 2> /dev/null
  [ -z "$(find /sys/fs/cgroup -type d -name "$cgroup" 2> /dev/null)" ] && break
  sleep 0.1
done
rm -rf "$folder"
