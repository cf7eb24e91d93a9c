package cri

// Traits are what has to be known of a runtime to see it and what it leaves: RuntimeTraits of lab/core/runtime.ts, which also
// explains them. The lab says them, so that nothing here knows one runtime from another.
type Traits struct {
	Socket       string    `json:"socket"`
	Daemons      []string  `json:"daemons"`
	Monitors     []Monitor `json:"monitors"`
	Namespaces   []string  `json:"namespaces"`
	StateFolders []string  `json:"stateFolders"`
	Cgroup       string    `json:"cgroup"`
	CNIFolder    struct {
		Files []string `json:"files"`
		Key   string   `json:"key"`
	} `json:"cniFolder"`
}

// Monitor is a program that watches a pod or a container and outlives the daemon.
type Monitor struct {
	Prefix string `json:"prefix"`
	IDFlag string `json:"idFlag"`
}
