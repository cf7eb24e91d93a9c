// Package look sees everything on a node that a pod could leave behind, in one go and inside this process. What cannot
// be looked at is said so; it is never an empty list.
package look

import (
	"sort"
	"sync"

	"cnilab/node-tools/internal/cri"
)

// Item, Unseen and State are StateItem and NodeState of lab/core/node-state.ts, which also explains the kinds.
type Item struct {
	Kind   string            `json:"kind"`
	Name   string            `json:"name"`
	Detail map[string]string `json:"detail,omitempty"`
}

type Unseen struct {
	Kind string `json:"kind"`
	Why  string `json:"why"`
}

type State struct {
	Items  []Item   `json:"items"`
	Unseen []Unseen `json:"unseen"`
}

// Tool runs a program of the node and returns what it printed.
type Tool func(argv ...string) (string, error)

// Own returns the processes of the lab itself: those to leave out alone, and those to leave out with all descendants.
type Own func() (alone, withDescendants map[int]bool)

// Looker remembers what a node has from the start.
type Looker struct {
	runtime *cri.Runtime
	own     Own
	tool    Tool
	mounts  map[string]bool
}

// New is to be called when the node is made and nothing has run on it yet.
func New(runtime *cri.Runtime, own Own, tool Tool) (*Looker, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	looker := &Looker{runtime, own, tool, map[string]bool{}}
	for _, mount := range mounts {
		looker.mounts[mount.point] = true
	}
	return looker, nil
}

type view struct {
	kinds []string
	look  func() ([]Item, error)
}

// Look looks at processes first, as some of the other views start programs of their own, and then at all else at once.
func (l *Looker) Look() State {
	first := view{[]string{"shim", "process"}, func() ([]Item, error) { return processes(l.own) }}
	views := []view{
		{[]string{"netns"}, netnsFiles},
		{[]string{"netns-mount", "mount"}, l.newMounts},
		{[]string{"veth", "bridge", "bridge-port", "link"}, links},
		{[]string{"ipam", "ipam-state"}, reservations},
		{[]string{"cni-result"}, results},
		{[]string{"iptables"}, func() ([]Item, error) { return iptables(l.tool) }},
		{[]string{"nft"}, func() ([]Item, error) { return nft(l.tool) }},
		{[]string{"sandbox", "container"}, func() ([]Item, error) { return pods(l.runtime) }},
	}
	state := State{Items: []Item{}, Unseen: []Unseen{}}
	var mutex sync.Mutex
	see := func(one view) {
		items, err := one.look()
		mutex.Lock()
		defer mutex.Unlock()
		if err == nil {
			state.Items = append(state.Items, items...)
			return
		}
		for _, kind := range one.kinds {
			state.Unseen = append(state.Unseen, Unseen{kind, err.Error()})
		}
	}
	see(first)
	var all sync.WaitGroup
	for _, one := range views {
		all.Add(1)
		go func(one view) {
			defer all.Done()
			see(one)
		}(one)
	}
	all.Wait()
	sort.SliceStable(state.Items, func(i, j int) bool {
		a, b := state.Items[i], state.Items[j]
		return a.Kind < b.Kind || (a.Kind == b.Kind && a.Name < b.Name)
	})
	sort.Slice(state.Unseen, func(i, j int) bool { return state.Unseen[i].Kind < state.Unseen[j].Kind })
	return state
}
