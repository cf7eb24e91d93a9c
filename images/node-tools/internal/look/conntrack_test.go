package look

import (
	"testing"

	"github.com/vishvananda/netlink/nl"
)

func TestFlowsAreAskedForOnceThereWasARedirectionAndAPodIsGone(t *testing.T) {
	looker := &Looker{}
	pod := Item{Kind: "sandbox", Name: "a", Detail: map[string]string{"state": "ready", "ips": "10.88.0.2,fd00::2"}}
	stopped := Item{Kind: "sandbox", Name: "a", Detail: map[string]string{"state": "not-ready", "ips": ""}}
	if looker.mayLeadAstray(nil) || looker.mayLeadAstray([]Item{pod}) {
		t.Error("no pod is gone")
	}
	if looker.mayLeadAstray([]Item{stopped}) {
		t.Error("nothing was redirected")
	}
	_, _ = looker.redirecting([]Item{{Kind: "iptables", Name: "ip nat -A CNI-DN-1 -p udp -j DNAT --to-destination 10.88.0.2:80"}}, nil)
	if !looker.mayLeadAstray([]Item{stopped}) || !looker.mayLeadAstray(nil) {
		t.Error("a pod is gone to which something was redirected")
	}
	if looker.mayLeadAstray([]Item{pod}) {
		t.Error("the address is one of a pod again")
	}
}

func TestOfTCPOnlyAnEstablishedFlowLasts(t *testing.T) {
	// CTA_PROTOINFO_TCP, and in it CTA_PROTOINFO_TCP_STATE
	info := func(state byte) []byte { return []byte{12, 0, 1, 0x80, 5, 0, 1, 0, state, 0, 0, 0} }
	if isEnding(6, info(nl.TCP_CONNTRACK_ESTABLISHED)) || !isEnding(6, info(7)) || isEnding(17, nil) {
		t.Error("established TCP and UDP last, TIME_WAIT ends")
	}
}
