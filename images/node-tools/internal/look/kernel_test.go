package look

import (
	"fmt"
	"os/exec"
	"runtime"
	"sort"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// made is a command and the items that result from it.
type made struct {
	by    string
	items []string
}

// ofEveryKernel must work on every kernel.
var ofEveryKernel = []made{
	{"ip link add br0 type bridge", []string{"bridge br0"}},
	{"ip link set br0 up", nil},
	{"ip addr add 10.88.0.1/16 dev br0", []string{"address 10.88.0.1/16 dev br0 map[device:br0]"}},
	{"ip addr add 10.1.0.1 peer 10.1.0.2/32 dev br0", []string{"address 10.1.0.1/32 peer 10.1.0.2/32 dev br0 map[device:br0]"}},
	{"ip link add v1 type veth peer name e1", []string{"veth v1"}},
	{"ip link set v1 master br0 up", []string{"bridge-port br0/v1"}},
	{"ip link set e1 up", nil},
	{"ip route add 10.7.0.0/16 dev e1 scope link", nil},
	{"ip neigh add proxy 10.88.0.90 dev e1", []string{"veth e1 map[neighbour:proxy 10.88.0.90 route:10.7.0.0/16]"}},
	{"ip route add 10.3.0.0/16 via 10.88.0.9 metric 50", []string{"route 10.3.0.0/16 via 10.88.0.9 metric 50 dev br0 map[device:br0]"}},
	{"ip route add default via 10.88.0.8", []string{"route default via 10.88.0.8 dev br0 map[device:br0]"}},
	{"ip route add blackhole 10.9.9.9", []string{"route blackhole 10.9.9.9"}},
	{"ip neigh add 10.88.0.77 lladdr 02:00:00:00:00:01 dev br0 nud permanent", []string{"neighbour 10.88.0.77 lladdr 02:00:00:00:00:01 dev br0 map[device:br0]"}},
	{"ip neigh add 10.88.0.79 lladdr 02:00:00:00:00:03 dev br0 nud reachable", nil},
}

// ofSomeKernels are tested only if the kernel and the ip program know them.
var ofSomeKernels = []made{
	{"ip addr add fd00:88::1/64 dev br0 nodad", []string{"address fd00:88::1/64 dev br0 map[device:br0]"}},
	{"ip neigh add fd00:88::77 lladdr 02:00:00:00:00:02 dev br0 nud noarp", []string{"neighbour fd00:88::77 lladdr 02:00:00:00:00:02 dev br0 map[device:br0]"}},
	{"ip neigh add proxy fd00:88::90 dev br0 router", []string{"neighbour proxy fd00:88::90 dev br0 map[device:br0]"}},
	{"ip -6 route add fd00:5::/64 from fd00:6::/64 dev br0", []string{"route fd00:5::/64 from fd00:6::/64 dev br0 map[device:br0]"}},
	{"ip route add 10.4.0.0/16 nexthop via 10.88.0.9 nexthop via 10.88.0.10", []string{"route 10.4.0.0/16 nexthop via 10.88.0.10 dev br0 nexthop via 10.88.0.9 dev br0"}},
	{"ip route add 10.5.0.0/16 via inet6 fe80::9 dev br0", []string{"route 10.5.0.0/16 via fe80::9 dev br0 map[device:br0]"}},
	{"ip route add throw 10.9.7.0/24 table 100000", []string{"route throw 10.9.7.0/24 table 100000"}},
	{"ip nexthop add id 7 via 10.88.0.9 dev br0", []string{"route nexthop id 7 via 10.88.0.9 dev br0 map[device:br0]"}},
	{"ip nexthop add id 8 blackhole", []string{"route nexthop id 8 blackhole"}},
	{"ip nexthop add id 10 group 7", []string{"route nexthop id 10 group 7"}},
	{"ip route add 10.8.1.0/24 nhid 7", []string{"route 10.8.1.0/24 via 10.88.0.9 nhid 7 dev br0 map[device:br0]"}},
	{"ip rule add from 10.88.0.7 lookup 100 pref 4", []string{"rule 4: from 10.88.0.7 lookup 100"}},
	{"ip rule add to 10.88.0.0/16 fwmark 0x10/0xf0 blackhole pref 5", []string{"rule 5: from all to 10.88.0.0/16 fwmark 0x10/0xf0 blackhole"}},
	{"ip rule add not from 1.2.3.4 iif br0 oif e1 tos 0x10 ipproto tcp sport 100-200 dport 80 lookup main pref 6",
		[]string{"rule 6: not from 1.2.3.4 tos 16 iif br0 oif e1 ipproto 6 sport 100-200 dport 80 lookup main"}},
	{"ip rule add pref 7 goto 32766", []string{"rule 7: from all goto 32766"}},
	{"ip -6 rule add from fd00:1::/64 unreachable pref 13", []string{"rule 13: from fd00:1::/64 unreachable"}},
	{"tc qdisc add dev br0 root handle 5: tbf rate 1mbit burst 10kb latency 10ms", []string{"qdisc tbf root dev br0 map[device:br0]"}},
	{"tc qdisc add dev br0 ingress", []string{"qdisc ingress dev br0 map[device:br0]"}},
}

var policies = []made{
	{"ip xfrm policy add src ::/0 dst ::/0 dir fwd", []string{"xfrm policy fwd from ::/0 to ::/0"}},
	{"ip xfrm policy add src 10.1.0.0/16 dst 0.0.0.0/0 dir out", []string{"xfrm policy out from 10.1.0.0/16 to 0.0.0.0/0"}},
}

// inNewNetwork gives the test a network namespace of its own with lo up. The namespace ends with the test's thread,
// which is therefore never unlocked.
func inNewNetwork(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("there is no ip program")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("a network namespace needs root: %v", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		t.Fatal(err)
	}
}

// makeAll runs the commands and returns the items of those that worked.
func makeAll(t *testing.T, all []made, onFailure func(format string, args ...any)) (items []string) {
	t.Helper()
	for _, one := range all {
		argv := strings.Fields(one.by)
		if printed, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			onFailure("not made here: %s: %v %s", one.by, err, printed)
			continue
		}
		items = append(items, one.items...)
	}
	return items
}

func expectItems(t *testing.T, items []Item, want []string) {
	t.Helper()
	var got []string
	for _, item := range items {
		line := item.Kind + " " + item.Name
		if len(item.Detail) > 0 {
			line += " " + fmt.Sprint(item.Detail)
		}
		got = append(got, line)
	}
	sort.Strings(got)
	sort.Strings(want)
	expect(t, got, want)
}

func TestWhatTheKernelsNetworkHoldsIsReportedInItsExactForm(t *testing.T) {
	inNewNetwork(t)
	looker := &Looker{devices: map[int]bool{1: true}, before: map[string]int{}}
	atStart, err := looker.network(new(kernel))
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range atStart {
		looker.before[item.key()]++
	}
	want := append(makeAll(t, ofEveryKernel, t.Fatalf), makeAll(t, ofSomeKernels, t.Logf)...)
	items, err := looker.network(new(kernel))
	if err != nil {
		t.Fatal(err)
	}
	expectItems(t, looker.since(items), want)
}

func TestAnIPsecPolicyKeepsItsFamilyWhereItIsForAllAddresses(t *testing.T) {
	inNewNetwork(t)
	want := makeAll(t, policies, t.Skipf)
	items, err := new(kernel).ipsec()
	if err != nil {
		t.Fatal(err)
	}
	expectItems(t, items, want)
}

func TestAnEndedNamespaceIsNotAmongTheLiving(t *testing.T) {
	inNewNetwork(t)
	other := exec.Command("sleep", "60")
	other.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if err := other.Start(); err != nil {
		t.Skipf("a network namespace needs root: %v", err)
	}
	defer other.Process.Kill()
	makeAll(t, []made{
		{"ip link add v1 type veth peer name e1", nil},
		{fmt.Sprintf("ip link set e1 netns %d", other.Process.Pid), nil},
	}, t.Fatalf)
	links, err := new(kernel).readLinks()
	if err != nil {
		t.Fatal(err)
	}
	var peer *int32
	for _, one := range links {
		if one.name == "v1" {
			peer = one.peer
		}
	}
	if peer == nil {
		t.Fatalf("v1 has no peer in another namespace: %+v", links)
	}
	if living, err := new(kernel).livingNamespaces(); err != nil || (link{peer: peer}).isGoing(living) {
		t.Errorf("namespace %d is alive, and the living are %v, %v", *peer, living, err)
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	if living, err := new(kernel).livingNamespaces(); err != nil || !(link{peer: peer}).isGoing(living) {
		t.Errorf("namespace %d has ended, and the living are %v, %v", *peer, living, err)
	}
}
