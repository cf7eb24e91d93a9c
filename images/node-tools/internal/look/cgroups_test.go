package look

import (
	"os"
	"path/filepath"
	"testing"
)

// group makes a folder like a cgroup's, with the processes that are in it.
func group(t *testing.T, root, path, procs string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, path, "cgroup.procs"), []byte(procs), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAGroupCountsThatNobodyIsInAndItsParentStandsForIt(t *testing.T) {
	root := t.TempDir()
	for path, procs := range map[string]string{
		"": "1\n", "k8s.io": "", "k8s.io/live": "7\n", "k8s.io/left": "", "leaked": "", "leaked/below": "", "pod": "", "pod/live": "9\n", "pod/left": "",
	} {
		group(t, root, path, procs)
	}
	empty := map[string]bool{}
	if _, err := (hierarchy{root, "/k8s.io", map[string]bool{}}).emptyGroups("", empty); err != nil {
		t.Fatal(err)
	}
	expect(t, keys(empty), []string{"/k8s.io/left", "/leaked", "/pod/left"})
}

func TestAGroupThatIsBusyInOneHierarchyIsNotEmptyInAnother(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	group(t, first, "k8s.io/a", "7\n")
	group(t, second, "k8s.io/a", "")
	group(t, second, "k8s.io/b", "")
	empty, busy := map[string]bool{}, map[string]bool{}
	for _, root := range []string{first, second} {
		if _, err := (hierarchy{root, "/k8s.io", busy}).emptyGroups("", empty); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, keys(empty), []string{"/k8s.io/b"})
}

func TestAServiceOfSystemdThatHasEndedIsNotLeftBehind(t *testing.T) {
	root := t.TempDir()
	for path, procs := range map[string]string{
		"": "1\n", "system.slice": "", "system.slice/containerd.service": "", "system.slice/containerd.service/leaked": "", "system.slice/pod.scope": "",
	} {
		group(t, root, path, procs)
	}
	empty := map[string]bool{}
	if _, err := (hierarchy{root, "/k8s.io", map[string]bool{}}).emptyGroups("", empty); err != nil {
		t.Fatal(err)
	}
	expect(t, keys(empty), []string{"/system.slice/containerd.service/leaked", "/system.slice/pod.scope"})
}
