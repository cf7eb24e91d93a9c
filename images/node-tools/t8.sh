dmesg -n 1; echo "+cpu +memory +pids +cpuset +io +hugetlb" > /sys/fs/cgroup/cgroup.subtree_control
cat > /tmp/in.sh <<'EOI'
umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /tmp/st /tmp/art; A=/work/t/$1/images/node-tools/dist/amd64/agent; [ -d /work/t/$1 ] || exit
for i in 1 2 3 4 5 6 7 8; do (sleep 6 | setsid $A node --name n$i --artifacts /tmp/art --state-dir /tmp/st >/dev/null 2>>/tmp/err-$1) & done
sleep 5; n=0; for p in $(pgrep -f '^agent init'); do c=$(cut -d: -f3 /proc/$p/cgroup); case $c in /cnilab/n*/agent) n=$((n+1));; *) echo "$1: stray $c";; esac; done; echo "$1: $n in their own group"
wait; sleep 1; (cd /sys/fs/cgroup; find . -mindepth 1 -type d | tr '\n' ' '); ls /tmp/st; sort /tmp/err-$1 2>/dev/null | uniq -c; rm -f /tmp/err-$1
EOI
k=0; for n in 1 2 3 4 5 6 7 8; do for L in old lab; do k=$((k+1))
mkdir /sys/fs/cgroup/docker-$k
timeout 60 unshare -m -p -f --kill-child --mount-proc bash -c "echo 0 > /sys/fs/cgroup/docker-$k/cgroup.procs; exec unshare -C bash /tmp/in.sh $L"
done; done
