package cnicall

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func readOrFail(t *testing.T, args ...string) request {
	t.Helper()
	r, err := read(args)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func writeConfigs(t *testing.T, files map[string]string) string {
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestTheNodesNetworkIsTheFirstFileByName(t *testing.T) {
	folder := writeConfigs(t, map[string]string{
		"20-b.conflist": `{"cniVersion":"1.0.0","name":"b","plugins":[{"type":"x"}]}`,
		"10-a.conf":     `{"cniVersion":"0.4.0","name":"a","type":"y"}`,
		"00-readme":     `no configuration`,
	})
	list, err := readOrFail(t, "add", "--config-dir", folder).networkOf()
	if err != nil || list.Name != "a" || list.Plugins[0].Network.Type != "y" {
		t.Errorf("got %+v, %v", list, err)
	}
	list, err = readOrFail(t, "add", "--config-dir", folder, "--network", "20-b.conflist").networkOf()
	if err != nil || list.Name != "b" {
		t.Errorf("got %+v, %v", list, err)
	}
	if _, err := readOrFail(t, "add", "--config-dir", t.TempDir()).networkOf(); err == nil || !strings.Contains(err.Error(), "no net configurations found") {
		t.Errorf("got %v", err)
	}
}

func TestAGivenConfigurationGoesBeforeTheNodes(t *testing.T) {
	for _, config := range []string{`{"cniVersion":"1.0.0","name":"n","type":"x"}`, `{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"x"}]}`} {
		list, err := readOrFail(t, "add", "--config", config).networkOf()
		if err != nil || list.Name != "n" || list.Plugins[0].Network.Type != "x" {
			t.Errorf("got %+v, %v", list, err)
		}
	}
}

func TestAPluginGetsItsPartOfTheNodesConfiguration(t *testing.T) {
	folder := writeConfigs(t, map[string]string{
		"10-a.conflist": `{"cniVersion":"1.0.0","name":"a","plugins":[{"type":"x"},{"type":"portmap","capabilities":{"portMappings":true}}]}`,
	})
	r := readOrFail(t, "add", "--config-dir", folder, "--plugin", "portmap", "--capabilities", `{"portMappings":[1],"mac":"02"}`)
	config, err := r.pluginConfig()
	want := `{"capabilities":{"portMappings":true},"cniVersion":"1.0.0","name":"a","runtimeConfig":{"portMappings":[1]},"type":"portmap"}`
	if err != nil || string(config) != want {
		t.Errorf("got %s, %v", config, err)
	}
	r.plugin = "none"
	if _, err := r.pluginConfig(); err == nil || err.Error() != `no plugin of the network "a" is of type "none"` {
		t.Errorf("got %v", err)
	}
}

func TestTheEnvironmentIsThatOfARuntime(t *testing.T) {
	t.Setenv("CNI_ARGS", "of=another")
	for _, test := range []struct {
		args []string
		want []string
	}{
		{
			[]string{"del", "--container-id", "c", "--netns", "/n", "--ifname", "net1", "--args", "A=1;B=2"},
			[]string{"CNI_ARGS=A=1;B=2", "CNI_COMMAND=DEL", "CNI_CONTAINERID=c", "CNI_IFNAME=net1", "CNI_NETNS=/n", "CNI_PATH=/opt/cni/bin"},
		},
		{
			[]string{"status"},
			[]string{"CNI_ARGS=", "CNI_COMMAND=STATUS", "CNI_CONTAINERID=", "CNI_IFNAME=", "CNI_NETNS=", "CNI_PATH=/opt/cni/bin"},
		},
		{
			[]string{"version"},
			[]string{"CNI_ARGS=", "CNI_COMMAND=VERSION", "CNI_CONTAINERID=", "CNI_IFNAME=dummy", "CNI_NETNS=dummy", "CNI_PATH=dummy"},
		},
	} {
		got := slices.DeleteFunc(readOrFail(t, test.args...).environment(), func(pair string) bool { return !strings.HasPrefix(pair, "CNI_") })
		slices.Sort(got)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}

func TestOnlyAddMakesANamespace(t *testing.T) {
	add, del, path := readOrFail(t, "add", "--netns", "mine"), readOrFail(t, "del", "--netns", "mine"), readOrFail(t, "add", "--netns", "/n")
	byDefault := readOrFail(t, "check", "--container-id", "c")
	if !add.makesNetns() || del.makesNetns() || path.makesNetns() || byDefault.makesNetns() {
		t.Error("a namespace is made where none is wanted, or not where one is")
	}
	if del.netns != "/var/run/netns/mine" || path.netns != "/n" || byDefault.netns != "/var/run/netns/c" {
		t.Errorf("got %q, %q, %q", del.netns, path.netns, byDefault.netns)
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	for _, args := range [][]string{{}, {"up"}, {"add", "bridge"}, {"gc", "--keep", "id"}, {"add", "--capabilities", "{"}} {
		if _, err := read(args); err == nil {
			t.Errorf("%q was read", args)
		}
	}
}
