// Package look lists everything on a node that a pod could leave behind, all in this process. If something cannot be
// looked at, that is reported. It is never an empty list.
package look

import (
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"cnilab/node-tools/internal/cri"
	"cnilab/node-tools/internal/jsontext"
)

// Item, Unseen and State are StateItem and NodeState of lab/core/node-state.ts, which also explains the kinds.
type Item struct {
	Kind   string            `json:"kind"`
	Name   string            `json:"name"`
	Detail map[string]string `json:"detail,omitempty"`
	Log    []string          `json:"log,omitempty"`
}

// MarshalJSON keeps different names different, even if they are not UTF-8. File names need not be.
func (i Item) MarshalJSON() ([]byte, error) {
	written := struct {
		Kind   string                   `json:"kind"`
		Name   jsontext.Text            `json:"name"`
		Detail map[string]jsontext.Text `json:"detail,omitempty"`
		Log    []jsontext.Text          `json:"log,omitempty"`
	}{Kind: i.Kind, Name: jsontext.Text(i.Name), Detail: make(map[string]jsontext.Text, len(i.Detail))}
	for key, value := range i.Detail {
		written.Detail[key] = jsontext.Text(value)
	}
	for _, line := range i.Log {
		written.Log = append(written.Log, jsontext.Text(line))
	}
	return json.Marshal(written)
}

type Unseen struct {
	Kind string `json:"kind"`
	Why  string `json:"why"`
}

type State struct {
	Items     []Item   `json:"items"`
	Unseen    []Unseen `json:"unseen"`
	Conflists []string `json:"conflists"`
}

// Tool runs a program of the node and returns its output.
type Tool func(argv ...string) (string, error)

// Own returns the lab's own processes: those to leave out alone, and those to leave out with all their descendants.
type Own func() (alone, withDescendants map[int]bool)

// Looker remembers what the node had at the start.
type Looker struct {
	runtime   *cri.Runtime
	own       Own
	tool      Tool
	conflists *conflists
	mounts    map[string]bool
	// processes are those of the start: this program, and what the image of the node has started
	processes map[int]string
	devices   map[int]bool
	sysctls   map[string]string
	// before is how many of each item there were at the start, for the kinds that are listed as a difference
	before map[string]int
	flows  flows
	saved  *saved
}

// New must be called when the node is made and before anything runs on it.
func New(runtime *cri.Runtime, own Own, tool Tool) (*Looker, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	asked := &kernel{}
	defer asked.close()
	links, err := asked.readLinks()
	if err != nil {
		return nil, err
	}
	running, err := readProcesses()
	if err != nil {
		return nil, err
	}
	looker := &Looker{
		runtime: runtime, own: own, tool: tool, conflists: newConflists(runtime),
		mounts: map[string]bool{}, processes: map[int]string{}, devices: map[int]bool{}, before: map[string]int{},
		saved: newSaved(),
	}
	for _, one := range running {
		looker.processes[one.pid] = one.started
	}
	for _, mount := range mounts {
		looker.mounts[mount.point] = true
	}
	var names []string
	for _, device := range links {
		looker.devices[device.index] = true
		names = append(names, device.name)
	}
	if looker.sysctls, err = readSysctls(sysctlNames(names)); err != nil {
		return nil, err
	}
	for _, view := range looker.differences(asked) {
		items, err := view.look()
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			looker.before[item.key()]++
		}
	}
	return looker, nil
}

// Rebooted forgets what was true only of the former network. What runs now counts as there from the start. ownMount is a
// mount that the reboot made.
func (l *Looker) Rebooted(ownMount string) error {
	running, err := readProcesses()
	if err != nil {
		return err
	}
	for _, one := range running {
		l.processes[one.pid] = one.started
	}
	l.mounts[ownMount] = true
	l.saved = newSaved()
	l.flows.redirected.Store(false)
	l.flows.addresses = nil
	return nil
}

func (i Item) key() string { return i.Kind + " " + i.Name }

type view struct {
	kinds []string
	look  func() ([]Item, error)
}

// differences are the views for which a node has items from the start, which are not listed.
func (l *Looker) differences(k *kernel) []view {
	return []view{
		{[]string{"veth", "bridge", "bridge-port", "link", "address", "route", "rule", "neighbour", "qdisc"}, func() ([]Item, error) { return l.network(k) }},
		{[]string{"ipam", "ipam-state", "cni-result", "file"}, l.files},
		{[]string{"cgroup"}, func() ([]Item, error) { return cgroups(l.runtime.Traits().Cgroup) }},
	}
}

// since leaves out as many of each item as there were at the start.
func (l *Looker) since(items []Item) []Item {
	seen := map[string]int{}
	var more []Item
	for _, item := range items {
		key := item.key()
		if seen[key]++; seen[key] > l.before[key] {
			more = append(more, item)
		}
	}
	return more
}

// changedSysctls reads the sysctls of the start again.
func (l *Looker) changedSysctls() ([]Item, error) {
	now, err := readSysctls(keys(l.sysctls))
	return changed(l.sysctls, now), err
}

// lookWithin is how long a look may take. The lab waits 30 s for it, and must learn which view did not end.
const lookWithin = 24 * time.Second

// leastWithin is the time for views that begin when lookWithin is almost over.
const leastWithin = 2 * time.Second

// Look lists processes first, because some other views start programs. Then it looks at everything else in parallel.
func (l *Looker) Look() State {
	asked := &kernel{}
	defer func() { go asked.close() }() // it waits for a view that is late
	views := []view{
		{[]string{"netns"}, netnsFiles},
		{[]string{"netns-mount", "mount"}, l.newMounts},
		{[]string{"sysctl"}, l.changedSysctls},
		{[]string{"xfrm"}, asked.ipsec},
		{[]string{"iptables"}, func() ([]Item, error) { return l.redirecting(iptables(asked, l.tool, l.saved)) }},
		{[]string{"nft"}, func() ([]Item, error) { return l.redirecting(nft(asked, l.tool)) }},
		{[]string{"sandbox", "container"}, func() ([]Item, error) { return pods(l.runtime) }},
	}
	for _, one := range l.differences(asked) {
		look := one.look
		views = append(views, view{one.kinds, func() ([]Item, error) {
			items, err := look()
			return l.since(items), err
		}})
	}
	state := State{Items: []Item{}, Unseen: []Unseen{}}
	deadline := time.Now().Add(lookWithin)
	state.see(deadline, view{[]string{"shim", "process"}, l.newProcesses})
	state.see(deadline, views...)
	if l.mayLeadAstray(state.Items) {
		state.see(deadline, view{[]string{"conntrack"}, asked.conntrack})
	}
	state.Conflists, _ = l.conflists.known()
	sort.SliceStable(state.Items, func(i, j int) bool {
		a, b := state.Items[i], state.Items[j]
		return a.Kind < b.Kind || (a.Kind == b.Kind && a.Name < b.Name)
	})
	sort.Slice(state.Unseen, func(i, j int) bool { return state.Unseen[i].Kind < state.Unseen[j].Kind })
	return state
}

// see looks with all these views in parallel. What has not been seen by the deadline is unseen. Such a view goes on by
// itself, because nothing can end a thread that waits in the kernel.
func (s *State) see(deadline time.Time, views ...view) {
	type sight struct {
		at    int
		items []Item
		err   error
	}
	sights := make(chan sight, len(views))
	for at, one := range views {
		go func(at int, look func() ([]Item, error)) {
			items, err := look()
			sights <- sight{at, items, err}
		}(at, one.look)
	}
	timeout := max(time.Until(deadline), leastWithin)
	late := time.NewTimer(timeout)
	defer late.Stop()
	ended := make([]bool, len(views))
	for range views {
		select {
		case seen := <-sights:
			ended[seen.at] = true
			if seen.err != nil {
				s.miss(views[seen.at], seen.err.Error())
			} else {
				s.Items = append(s.Items, seen.items...)
			}
		case <-late.C:
			for at, one := range views {
				if !ended[at] {
					s.miss(one, fmt.Sprintf("looking took more than %s", timeout.Round(time.Second)))
				}
			}
			return
		}
	}
}

func (s *State) miss(one view, why string) {
	for _, kind := range one.kinds {
		s.Unseen = append(s.Unseen, Unseen{kind, why})
	}
}
