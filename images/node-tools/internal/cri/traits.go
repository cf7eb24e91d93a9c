package cri

// Traits are what the agent must know about a runtime to see it and what it leaves behind. They are RuntimeTraits of
// lab/core/runtime.ts, which also explains them. The lab sets them, so that nothing here depends on one runtime.
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
