package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	runtime "cnilab/node-tools/internal/cri"
)

// call makes one call with the client's own timeout; see callWithin.
func (c *client) call(method string, request, response runtime.Message, details ...about) error {
	return c.callWithin(c.timeout, method, request, response, details...)
}

// callWithin makes one call. If it fails, it first logs kubelet's message; the caller then prints crictl's. crictl
// uses kubelet's CRI client, which logs. A timeout of 0 means no limit.
func (c *client) callWithin(timeout time.Duration, method string, request, response runtime.Message, details ...about) error {
	ctx, cancel := context.WithCancel(context.Background())
	if timeout != 0 {
		ctx, cancel = context.WithTimeout(context.Background(), timeout)
	}
	defer cancel()
	err := c.invoke(ctx, method, request, response)
	if complaint, logs := complaints[method]; logs && err != nil {
		complain(fmt.Sprintf("remote_runtime.go:%d", complaint.line), complaint.words, err, details...)
	}
	return err
}

// complaint is what kubelet's client logs about a failed call, and its line in kubelet's source, which klog prints.
type complaint struct {
	line  int
	words string
}

// complaints are those of kubelet 1.25.0 for v1alpha2. PodSandboxStatus is missing because it logs none.
var complaints = map[string]complaint{
	"RunPodSandbox":    {233, "RunPodSandbox from runtime service failed"},
	"StopPodSandbox":   {269, "StopPodSandbox from runtime service failed"},
	"RemovePodSandbox": {295, "RemovePodSandbox from runtime service failed"},
	"ListPodSandbox":   {377, "ListPodSandbox with filter from runtime service failed"},
	"CreateContainer":  {420, "CreateContainer in sandbox from runtime service failed"},
	"StartContainer":   {474, "StartContainer from runtime service failed"},
	"StopContainer":    {505, "StopContainer from runtime service failed"},
	"RemoveContainer":  {531, "RemoveContainer from runtime service failed"},
	"ListContainers":   {557, "ListContainers with filter from runtime service failed"},
	"ContainerStatus":  {599, "ContainerStatus from runtime service failed"},
	"Status":           {948, "Status from runtime service failed"},
}

// about is one key and value at the end of a log line.
type about struct {
	key   string
	value any
}

func complain(place, words string, err error, details ...about) {
	writeLine(os.Stderr, 'E', place, words, append([]about{{"err", err.Error()}}, details...))
}

// writeLine writes a line in klog's format. klog itself would start a thread and register flags.
func writeLine(to io.Writer, severity byte, place, words string, details []about) {
	var line strings.Builder
	fmt.Fprintf(&line, "%c%s %7d %s] %s", severity, time.Now().Format("0102 15:04:05.000000"), os.Getpid(), place, strconv.Quote(words))
	for _, detail := range details {
		line.WriteString(" " + detail.key + formatValue(detail.value))
	}
	fmt.Fprintln(to, line.String())
}

// formatValue quotes text. Several lines are indented between `<` and `>`.
func formatValue(value any) string {
	text, isText := value.(string)
	if stringer, is := value.(fmt.Stringer); is {
		text, isText = stringer.String(), true
	}
	if !isText {
		text = fmt.Sprintf("%+v", value)
	}
	switch {
	case strings.Contains(text, "\n"):
		return "=<\n\t" + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n\t") + "\n >"
	case isText:
		return "=" + strconv.Quote(text)
	default:
		return "=" + text
	}
}
