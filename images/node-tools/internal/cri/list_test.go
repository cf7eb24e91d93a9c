package cri

import "testing"

func TestTheNetworkNamespaceStandsWhereTheRuntimePutsIt(t *testing.T) {
	spec := `{"linux":{"namespaces":[{"type":"pid"},{"type":"network","path":"/run/netns/a"}]}}`
	way := []string{"info", "runtimeSpec", "linux", "namespaces"}
	for _, one := range []struct {
		info map[string]string
		way  []string
		want string
	}{
		{map[string]string{"info": `{"pid":7,"runtimeSpec":` + spec + `}`}, way, "/run/netns/a"},
		{map[string]string{"spec": spec}, []string{"spec", "linux", "namespaces"}, "/run/netns/a"},
		{map[string]string{"spec": spec}, way, ""},
		{map[string]string{"info": `{"runtimeSpec":{"linux":{"namespaces":[{"type":"pid"}]}}}`}, way, ""},
		{map[string]string{"info": "no JSON"}, way, ""},
		{nil, nil, ""},
	} {
		if got := netnsPath(one.info, one.way); got != one.want {
			t.Errorf("%v in %v is %q, want %q", one.way, one.info, got, one.want)
		}
	}
}

func TestBeforeARuntimeIsInUseThereIsNoneToAsk(t *testing.T) {
	runtime := &Runtime{}
	if status := runtime.Status(); status.Answered || status.Why != "which runtime the node has is not known" {
		t.Errorf("got %+v", status)
	}
	runtime.Use(Traits{Socket: "/nowhere/a.sock"})
	if status := runtime.Status(); status.Why != "/nowhere/a.sock: no such file or directory" {
		t.Errorf("got %+v", status)
	}
}
