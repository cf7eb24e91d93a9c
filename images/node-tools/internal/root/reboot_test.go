package root

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestAListThatIsInterruptedIsAskedForAgain(t *testing.T) {
	refused := errors.New("refused")
	for _, test := range []struct {
		name    string
		answers []error
		want    error
	}{
		{"whole at once", []error{nil}, nil},
		{"interrupted twice", []error{netlink.ErrDumpInterrupted, netlink.ErrDumpInterrupted, nil}, nil},
		{"another error", []error{refused}, refused},
		{"another error later", []error{netlink.ErrDumpInterrupted, refused}, refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			links, err := wholeList(func() ([]netlink.Link, error) {
				answer := test.answers[asked]
				asked++
				return make([]netlink.Link, asked), answer
			})
			if !errors.Is(err, test.want) {
				t.Errorf("the error is %v", err)
			}
			if asked != len(test.answers) || len(links) != asked {
				t.Errorf("asked %d times, and got the answer %d", asked, len(links))
			}
		})
	}
}
