package fake

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test program acts as the plugin when a test calls it through a link.
func TestMain(m *testing.M) {
	if scripts, is := os.LookupEnv("SCRIPTS"); is {
		folder = scripts
		os.Exit(Main(os.Args))
	}
	os.Exit(m.Run())
}

const stdin10 = `{"cniVersion":"1.0.0","name":"net","type":"mycni"}`

type ended struct {
	stdout, stderr string
	code           int
	signal         syscall.Signal
}

type node struct {
	t       *testing.T
	folder  string
	plugins string
}

func newNode(t *testing.T, script string) node {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n := node{t, t.TempDir(), t.TempDir()}
	must(t, os.WriteFile(filepath.Join(n.folder, "mycni.json"), []byte(script), 0o644))
	must(t, os.Symlink(self, filepath.Join(n.plugins, "mycni")))
	return n
}

func (n node) command(verb, stdin string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	stdout, stderr := &bytes.Buffer{}, &bytes.Buffer{}
	command := exec.Command(filepath.Join(n.plugins, "mycni"))
	command.Env = []string{"SCRIPTS=" + n.folder, "CNI_COMMAND=" + verb, "CNI_IFNAME=eth0", "CNI_NETNS=/run/netns/a", "CNI_PATH=" + n.plugins}
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader([]byte(stdin)), stdout, stderr
	return command, stdout, stderr
}

func (n node) call(verb, stdin string) ended {
	n.t.Helper()
	command, stdout, stderr := n.command(verb, stdin)
	err := command.Run()
	exit := &exec.ExitError{}
	if err != nil && !errors.As(err, &exit) {
		n.t.Fatal(err)
	}
	status := command.ProcessState.Sys().(syscall.WaitStatus)
	end := ended{stdout: stdout.String(), stderr: stderr.String(), code: command.ProcessState.ExitCode()}
	if status.Signaled() {
		end.signal = status.Signal()
	}
	return end
}

func TestWhatItDoes(t *testing.T) {
	const success = `{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"/run/netns/a"}],"ips":[{"address":"192.0.2.2/24","interface":0}]}` + "\n"
	for _, test := range []struct {
		name, script, verb, stdin string
		want                      ended
	}{
		{"a script that says nothing succeeds", `{}`, "ADD", stdin10, ended{stdout: success}},
		{"DEL prints nothing", `{}`, "DEL", stdin10, ended{}},
		{"STATUS prints nothing", `{}`, "STATUS", stdin10, ended{}},
		{"VERSION has all versions", `{}`, "VERSION", `{"cniVersion":"1.0.0"}`,
			ended{stdout: `{"cniVersion":"1.0.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}` + "\n"}},
		{"VERSION as the script says", `{"version":[{"answer":{"versions":["0.4.0"]}}]}`, "VERSION", `{"cniVersion":"1.0.0"}`,
			ended{stdout: `{"cniVersion":"1.0.0","supportedVersions":["0.4.0"]}` + "\n"}},
		{"the result of 0.2.0", `{}`, "ADD", `{"cniVersion":"0.2.0"}`, ended{stdout: `{"cniVersion":"0.2.0","ip4":{"ip":"192.0.2.2/24"}}` + "\n"}},
		{"no version is 0.1.0", `{}`, "ADD", `{}`, ended{stdout: `{"cniVersion":"0.1.0","ip4":{"ip":"192.0.2.2/24"}}` + "\n"}},
		{"the result of 0.4.0", `{}`, "ADD", `{"cniVersion":"0.4.0"}`,
			ended{stdout: `{"cniVersion":"0.4.0","interfaces":[{"name":"eth0","sandbox":"/run/netns/a"}],"ips":[{"address":"192.0.2.2/24","interface":0,"version":"4"}]}` + "\n"}},
		{"a result before it is passed on", `{}`, "ADD", `{"cniVersion":"1.0.0","prevResult":{"cniVersion":"1.0.0","ips":[]}}`,
			ended{stdout: `{"cniVersion":"1.0.0","ips":[]}` + "\n"}},
		{"a given result gets the version", `{"add":[{"answer":{"result":{"ips":[]}}}]}`, "ADD", stdin10, ended{stdout: `{"cniVersion":"1.0.0","ips":[]}` + "\n"}},
		{"a given result keeps its version", `{"add":[{"answer":{"result":{"cniVersion":"0.3.1"}}}]}`, "ADD", stdin10, ended{stdout: `{"cniVersion":"0.3.1"}` + "\n"}},
		{"an error", `{"others":[{"answer":{"error":{"code":7,"msg":"Invalid Configuration","details":"broken"}}}]}`, "DEL", stdin10,
			ended{stdout: `{"cniVersion":"1.0.0","code":7,"msg":"Invalid Configuration","details":"broken"}` + "\n", code: 1}},
		{"a verb of its own goes before others", `{"status":[{}],"others":[{"exitCode":3}]}`, "STATUS", stdin10, ended{}},
		{"garbage", `{"add":[{"answer":{"print":{"content":"no JSON"}}}]}`, "ADD", stdin10, ended{stdout: "no JSON"}},
		{"bytes that are no text", `{"add":[{"answer":{"print":{"content":"/w==","encoding":"base64"}}}]}`, "ADD", stdin10, ended{stdout: "\xff"}},
		{"nothing", `{"add":[{"answer":{"print":{"content":""}}}]}`, "ADD", stdin10, ended{}},
		{"an exit code without an answer", `{"add":[{"exitCode":3,"stderr":"no"}]}`, "ADD", stdin10, ended{stderr: "no", code: 3}},
		{"an exit code with an answer", `{"add":[{"exitCode":3,"answer":{"print":{"content":"x"}}}]}`, "ADD", stdin10, ended{stdout: "x", code: 3}},
		{"SIGKILL", `{"add":[{"signal":"SIGKILL"}]}`, "ADD", stdin10, ended{code: -1, signal: syscall.SIGKILL}},
		{"SIGSEGV", `{"add":[{"signal":"SIGSEGV"}]}`, "ADD", stdin10, ended{code: -1, signal: syscall.SIGSEGV}},
		{"SIGTERM after an answer", `{"add":[{"signal":"SIGTERM","answer":{"print":{"content":"x"}}}]}`, "ADD", stdin10, ended{stdout: "x", code: -1, signal: syscall.SIGTERM}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := newNode(t, test.script).call(test.verb, test.stdin); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestEachCallHasItsOwnBehaviourAndAllFurtherOnesTheLast(t *testing.T) {
	n := newNode(t, `{"del":[{"exitCode":1},{"exitCode":2}]}`)
	codes := []int{}
	for range 3 {
		codes = append(codes, n.call("DEL", stdin10).code)
	}
	if fmt.Sprint(codes) != "[1 2 2]" {
		t.Errorf("got %v", codes)
	}
	later := time.Now().Add(time.Second)
	must(t, os.Chtimes(filepath.Join(n.folder, "mycni.json"), later, later)) // a changed script
	if got := n.call("DEL", stdin10); got.code != 1 {
		t.Errorf("a new script did not begin anew: %+v", got)
	}
}

func TestADelegateIsCalledBeforeOrAfter(t *testing.T) {
	const delegate = "#!/bin/sh\necho \"$CNI_COMMAND $(cat)\"\necho delegate >&2\nexit 4\n"
	for _, test := range []struct {
		name, script string
		want         ended
	}{
		{"its answer is passed on", `{"add":[{"delegate":"real"}]}`, ended{stdout: "ADD " + stdin10 + "\n", stderr: "delegate\n", code: 4}},
		{"after what the script says", `{"add":[{"delegateAfter":"real","stderr":"first\n"}]}`, ended{stdout: "ADD " + stdin10 + "\n", stderr: "first\ndelegate\n", code: 4}},
		{"an own answer comes in its place", `{"add":[{"delegate":"real","answer":{"print":{"content":"mine"}}}]}`, ended{stdout: "mine", stderr: "delegate\n"}},
		{"it may die after it", `{"add":[{"delegate":"real","signal":"SIGKILL"}]}`, ended{stderr: "delegate\n", code: -1, signal: syscall.SIGKILL}},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNode(t, test.script)
			must(t, os.WriteFile(filepath.Join(n.plugins, "real"), []byte(delegate), 0o755))
			if got := n.call("ADD", stdin10); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestWhatCannotBeFollowedIsNoScriptedFailure(t *testing.T) {
	for _, script := range []string{`{"add":[{"delegate":"none"}]}`, `{`} {
		got := newNode(t, script).call("ADD", stdin10)
		if got.code != 70 || !strings.Contains(got.stdout, `"msg":"the scripted plugin mycni of cnilab cannot follow its script: `) {
			t.Errorf("got %+v", got)
		}
	}
}

func TestAPluginThatHangsDoesNotEnd(t *testing.T) {
	command, _, _ := newNode(t, `{"add":[{"hang":"plugin"}]}`).command("ADD", stdin10)
	must(t, command.Start())
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	select {
	case err := <-done:
		t.Fatalf("it ended: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	must(t, command.Process.Kill())
	<-done
}

func TestAChildKeepsTheOutputOpen(t *testing.T) {
	n := newNode(t, `{"add":[{"hang":"child","answer":{"print":{"content":"x"}}}]}`)
	reader, writer, err := os.Pipe()
	must(t, err)
	command, _, _ := n.command("ADD", stdin10)
	command.Stdout, command.Stderr = writer, writer
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, command.Run())
	defer func() { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }()
	must(t, writer.Close())
	must(t, reader.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	text := make([]byte, 8)
	length, err := reader.Read(text)
	if err != nil || string(text[:length]) != "x" {
		t.Fatalf("got %q, %v", text[:length], err)
	}
	if _, err := reader.Read(text); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the output is not open: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
