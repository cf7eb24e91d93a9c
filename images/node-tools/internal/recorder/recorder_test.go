package recorder

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cnilab/node-tools/internal/standin"
)

// The test binary is also the stand-in: the kernel starts it as the interpreter of the scripts that Cover writes.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && strings.HasPrefix(os.Args[1], "/") {
		standin.Main(os.Args)
	}
	os.Exit(m.Run())
}

// node is a folder of plugins with a running recorder.
type node struct {
	*testing.T
	folder   string
	recorder *Recorder
	mutex    sync.Mutex
	records  []any
}

func newNode(t *testing.T, plugins map[string]string) *node {
	folder := t.TempDir()
	n := &node{T: t, folder: folder}
	for name, script := range plugins {
		n.write(name, script)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n.recorder, err = New(Options{
		Bin: folder + "/bin", Folder: folder + "/plugins", Program: program, Netns: folder + "/netns",
		Emit: func(record any) {
			n.mutex.Lock()
			defer n.mutex.Unlock()
			n.records = append(n.records, record)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) write(name, script string) {
	path := filepath.Join(n.folder, "bin", name)
	_ = os.MkdirAll(filepath.Dir(path), 0o755)
	_ = os.Remove(path)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		n.Fatal(err)
	}
}

func (n *node) command(name string) *exec.Cmd {
	command := exec.Command(filepath.Join(n.folder, "bin", name))
	command.Env = []string{"PATH=/usr/bin:/bin", "CNI_COMMAND=ADD", "CNI_PATH=" + n.folder + "/bin", "OTHER=1"}
	return command
}

// call runs a plugin to its end.
func (n *node) call(name, stdin string) (stdout, stderr string, state *os.ProcessState) {
	command := n.command(name)
	var out, errs bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &errs
	_ = command.Run()
	return out.String(), errs.String(), command.ProcessState
}

// of returns the records of one kind.
func of[T any](n *node) (found []T) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, one := range n.records {
		if record, is := one.(T); is {
			found = append(found, record)
		}
	}
	return found
}

// await waits until there are count records of one kind.
func await[T any](n *node, count int) []T {
	n.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if found := of[T](n); len(found) >= count {
			return found
		}
	}
	n.Fatalf("%d records did not come; there are %+v", count, n.records)
	return nil
}

func TestBytesPassAndAreRecorded(t *testing.T) {
	n := newNode(t, map[string]string{"cat": "cat; printf 'so \\377' >&2; exit 3"})
	input := strings.Repeat("\xff\x00a", 100_000)
	stdout, stderr, state := n.call("cat", input)
	if stdout != input || stderr != "so \xff" || state.ExitCode() != 3 {
		t.Errorf("passed %d bytes, %q, %s", len(stdout), stderr, state)
	}
	started, ended := of[Started](n)[0], of[Ended](n)[0]
	stdin := started.Stdin
	if ended.Stdin != nil { // on a busy machine, the plugin may not have read all of it when the first record is made
		stdin = *ended.Stdin
	}
	if string(stdin) != input || string(ended.Stdout) != input || string(ended.Stderr) != "so \xff" || *ended.ExitCode != 3 {
		t.Errorf("recorded %d and %d bytes, %q, %d", len(stdin), len(ended.Stdout), ended.Stderr, *ended.ExitCode)
	}
	if started.Verb != "ADD" || started.Plugin != "cat" || len(started.Env) != 2 || started.Parent.Pid != os.Getpid() {
		t.Errorf("recorded %+v", started)
	}
	if unrecorded := of[Unrecorded](n); unrecorded != nil {
		t.Errorf("not recorded: %v", unrecorded)
	}
}

func TestMoreThanTheLimitPassesAndIsCut(t *testing.T) {
	n := newNode(t, map[string]string{"cat": "cat"})
	input := strings.Repeat("x", recordLimit+1)
	stdout, _, _ := n.call("cat", input)
	started, ended := of[Started](n)[0], of[Ended](n)[0]
	if stdout != input || len(ended.Stdout) != recordLimit {
		t.Errorf("passed %d bytes, recorded %d", len(stdout), len(ended.Stdout))
	}
	cut := append(append([]string{}, started.Cut...), ended.Cut...) // the input is cut in one record or the other
	slices.Sort(cut)
	if strings.Join(cut, " ") != "stdin stdout" {
		t.Errorf("cut: %v, %v", started.Cut, ended.Cut)
	}
}

func TestThePluginSeesWhatTheCallerGave(t *testing.T) {
	n := newNode(t, map[string]string{"env": "tr '\\0' '\\n' < /proc/$$/environ; pwd"})
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{"PATH=/usr/bin:/bin", "CNI_COMMAND=ADD", "A=1", "A=2", "CNI_COMMAND=DEL"}
	plugin := n.folder + "/bin/env"
	// exec.Cmd would drop variables that are set twice
	process, err := os.StartProcess(plugin, []string{plugin}, &os.ProcAttr{Dir: "/usr", Env: environment, Files: []*os.File{nil, write, nil}})
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	stdout, _ := io.ReadAll(read)
	_, _ = process.Wait()
	if want := strings.Join(environment, "\n") + "\n/usr\n"; string(stdout) != want {
		t.Errorf("%q, want %q", stdout, want)
	}
	if started := of[Started](n)[0]; started.Verb != "DEL" {
		t.Errorf("%+v", started)
	}
}

func TestDeathBySignal(t *testing.T) {
	n := newNode(t, map[string]string{"segv": "kill -SEGV $$", "kill": "kill -KILL $$", "term": "kill -TERM $$"})
	for name, want := range map[string]syscall.Signal{"segv": syscall.SIGSEGV, "kill": syscall.SIGKILL, "term": syscall.SIGTERM} {
		_, stderr, state := n.call(name, "")
		if status := state.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != want || stderr != "" {
			t.Errorf("%s: %s, %q", name, state, stderr)
		}
	}
	signals := map[string]bool{}
	for _, ended := range await[Ended](n, 3) {
		signals[*ended.Signal] = true
	}
	if !signals["SIGSEGV"] || !signals["SIGKILL"] || !signals["SIGTERM"] {
		t.Errorf("recorded %v", signals)
	}
}

func TestSignalsReachThePlugin(t *testing.T) {
	n := newNode(t, map[string]string{"trap": "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"})
	command := n.command("trap")
	stdout, _ := command.StdoutPipe()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadFull(stdout, make([]byte, 6))
	_ = command.Process.Signal(syscall.SIGTERM)
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != 7 {
		t.Errorf("ended with %s", command.ProcessState)
	}
}

func TestAKilledStandInTakesThePluginWithIt(t *testing.T) {
	n := newNode(t, map[string]string{"hang": "echo $$; exec sleep 60"})
	command := n.command("hang")
	stdout, _ := command.StdoutPipe()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	pid := make([]byte, 16)
	count, _ := stdout.Read(pid)
	started := await[Started](n, 1)
	if len(of[Ended](n)) != 0 {
		t.Error("a call that goes on has an end")
	}
	_ = command.Process.Kill()
	_ = command.Wait()
	ended := await[Ended](n, 1)
	if *ended[0].Signal != "SIGKILL" || ended[0].Call != started[0].Call {
		t.Errorf("recorded %+v", ended[0])
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		state, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid[:count])) + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the plugin is still there: %s", state)
		}
	}
}

func TestAChildThatKeepsThePipeOpen(t *testing.T) {
	n := newNode(t, map[string]string{"leave": "( sleep 1; echo late ) & echo soon; exit 4"})
	command := n.command("leave")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout = write
	began := time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	_ = command.Wait()
	if took := time.Since(began); command.ProcessState.ExitCode() != 4 || took > 800*time.Millisecond {
		t.Errorf("the plugin ended after %s: %s", took, command.ProcessState)
	}
	all, _ := io.ReadAll(read)
	if took := time.Since(began); string(all) != "soon\nlate\n" || took < 1000*time.Millisecond {
		t.Errorf("%q until %s", all, took)
	}
	if ended := of[Ended](n)[0]; ended.Stdout != "soon\n" {
		t.Errorf("recorded %q", ended.Stdout)
	}
}

func TestAClosedOutputIsClosedForTheCaller(t *testing.T) {
	n := newNode(t, map[string]string{"close": "exec 1>&-; sleep 1"})
	command := n.command("close")
	stdout, _ := command.StdoutPipe()
	began := time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(stdout)
	if took := time.Since(began); took > 800*time.Millisecond {
		t.Errorf("closed after %s", took)
	}
	_ = command.Wait()
}

func TestAPluginThatDoesNotReadItsInput(t *testing.T) {
	n := newNode(t, map[string]string{"deaf": "exit 0"})
	done := make(chan struct{})
	go func() {
		n.call("deaf", strings.Repeat("x", 10<<20))
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the caller hangs")
	}
	await[Ended](n, 1)
}

func TestDelegatedCallsAreWithin(t *testing.T) {
	n := newNode(t, map[string]string{"outer": `"$CNI_PATH/inner"; true`, "inner": "echo inner"})
	stdout, _, _ := n.call("outer", "{}")
	started := of[Started](n)
	if stdout != "inner\n" || len(started) != 2 {
		t.Fatalf("%q, %+v", stdout, started)
	}
	outer, inner := started[0], started[1]
	if outer.Plugin != "outer" || outer.Within != 0 || inner.Within != outer.Call || inner.Parent.Name != "outer" {
		t.Errorf("%+v, %+v", outer, inner)
	}
}

func TestStandInsCanBeMovedAndReplaced(t *testing.T) {
	n := newNode(t, map[string]string{"one": "echo one"})
	bin := n.folder + "/bin/"
	if err := os.Rename(bin+"one", bin+"one.bin"); err != nil {
		t.Fatal(err)
	}
	n.write("one", `echo "in front of"; exec "$CNI_PATH/one.bin"`)
	n.recorder.Cover()
	stdout, _, _ := n.call("one", "")
	if stdout != "in front of\none\n" {
		t.Errorf("%q", stdout)
	}
	if started := of[Started](n); len(started) != 2 || started[1].Plugin != "one.bin" {
		t.Errorf("%+v", started)
	}
}

func TestLinks(t *testing.T) {
	n := newNode(t, map[string]string{"one": `echo "${0##*/}"`})
	bin := n.folder + "/bin/"
	elsewhere := n.folder + "/elsewhere"
	if err := os.WriteFile(elsewhere, []byte("#!/bin/sh\necho elsewhere\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"a-link": "one", "z-link": "one", "outside": "../elsewhere", "absolute": elsewhere} {
		if err := os.Symlink(target, bin+name); err != nil {
			t.Fatal(err)
		}
	}
	n.write("other", "echo other")
	if err := os.Symlink("other", bin+"b-link"); err != nil {
		t.Fatal(err)
	}
	n.recorder.Cover()
	for name, want := range map[string]string{
		"a-link": "one\n", "z-link": "one\n", "b-link": "other\n", "outside": "elsewhere\n", "absolute": "elsewhere\n",
	} {
		before := len(of[Started](n))
		if stdout, stderr, _ := n.call(name, ""); stdout != want {
			t.Errorf("%s: %q, %q", name, stdout, stderr)
		}
		if started := of[Started](n)[before:]; len(started) != 1 || string(started[0].Plugin) != name {
			t.Errorf("%s: %+v", name, started)
		}
	}
}

func TestWhatCannotBeExecutedIsLeftAsItIs(t *testing.T) {
	n := newNode(t, nil)
	files := map[string]struct {
		content string
		mode    os.FileMode
	}{"garbage": {"\x00garbage", 0o755}, "data": {"#!/bin/sh\n", 0o644}, "interpreter": {"#!/nowhere/sh\n", 0o755}}
	_ = os.MkdirAll(n.folder+"/bin", 0o755)
	for name, file := range files {
		if err := os.WriteFile(n.folder+"/bin/"+name, []byte(file.content), file.mode); err != nil {
			t.Fatal(err)
		}
	}
	_ = os.Symlink("/nowhere", n.folder+"/bin/link")
	n.recorder.Cover()
	for name, file := range files {
		if now, _ := os.ReadFile(n.folder + "/bin/" + name); string(now) != file.content {
			t.Errorf("%s is %q", name, now)
		}
	}
	if unrecorded := of[Unrecorded](n); unrecorded != nil {
		t.Errorf("%v", unrecorded)
	}
}

func TestWithoutARecorderThePluginRunsAndThatIsReported(t *testing.T) {
	n := newNode(t, map[string]string{"one": "echo one"})
	if err := os.Remove(n.folder + "/plugins/socket"); err != nil {
		t.Fatal(err)
	}
	stdout, _, state := n.call("one", "")
	if stdout != "one\n" || !state.Success() {
		t.Errorf("%q, %s", stdout, state)
	}
	n.recorder.Cover()
	if unrecorded := of[Unrecorded](n); len(unrecorded) != 1 || !strings.Contains(string(unrecorded[0].Why), "no such file") {
		t.Errorf("%v", unrecorded)
	}
}

func TestNamesOfNamespaces(t *testing.T) {
	n := newNode(t, nil)
	folder := n.folder + "/netns"
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/one", nil, 0o444); err != nil {
		t.Fatal(err)
	}
	await[Netns](n, 1)
	if err := os.Remove(folder + "/one"); err != nil {
		t.Fatal(err)
	}
	var changes []string
	for _, one := range await[Netns](n, 2) {
		changes = append(changes, one.Change+" "+string(one.Name))
	}
	if strings.Join(changes, ", ") != "appeared one, disappeared one" {
		t.Error(changes)
	}
}

func TestRecordsAreJSON(t *testing.T) {
	n := newNode(t, map[string]string{"cat": "cat"})
	n.call("cat", "\xff")
	text, err := json.Marshal(of[Ended](n)[0])
	if err != nil || !strings.Contains(string(text), `"stdout":"\udcff"`) {
		t.Errorf("%s, %v", text, err)
	}
}
