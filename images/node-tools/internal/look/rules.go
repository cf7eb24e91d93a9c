package look

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const frToTable = 1 // FR_ACT_TO_TBL of include/uapi/linux/fib_rules.h

var ruleActions = map[byte]string{3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}

// readRules returns the rules that select a routing table, named as `ip rule` prints them.
func (k *kernel) readRules() ([]attachment, error) {
	var found []attachment
	err := k.listed(unix.NETLINK_ROUTE, unix.RTM_GETRULE, make([]byte, unix.SizeofRtMsg), unix.SizeofRtMsg, "rules",
		func(head []byte, more attributes) {
			rule := nl.DeserializeRtMsg(head) // struct fib_rule_hdr has the same layout, with the action in place of the type
			table := uint32(rule.Table)
			if value := more.get(unix.FRA_TABLE); value != nil {
				table = number(value)
			}
			action := ruleActions[rule.Type]
			if rule.Type == frToTable {
				action = "lookup " + ruleTable(table)
			}
			if target := number(more.get(unix.FRA_GOTO)); target != 0 {
				action = fmt.Sprintf("goto %d", target)
			}
			from := source(more.get(unix.FRA_SRC), rule.Src_len)
			if from == "" {
				from = everything(rule.Family)
			}
			not := ""
			if rule.Flags&unix.FIB_RULE_INVERT != 0 {
				not = "not"
			}
			found = append(found, attachment{"rule", words(
				fmt.Sprintf("%d:", number(more.get(unix.FRA_PRIORITY))), not, "from", from,
				labelled("to", source(more.get(unix.FRA_DST), rule.Dst_len)), counted("tos", uint32(rule.Tos)),
				labelled("fwmark", mark(more)), labelled("iif", text(more.get(unix.FRA_IIFNAME))),
				labelled("oif", text(more.get(unix.FRA_OIFNAME))), portProtocol(more),
				labelled("sport", ports(more.get(unix.FRA_SPORT_RANGE))), labelled("dport", ports(more.get(unix.FRA_DPORT_RANGE))),
				action,
			), 0})
		})
	return found, err
}

func everything(family byte) string {
	if family == unix.AF_INET6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0).String()
	}
	return "all"
}

func ruleTable(table uint32) string {
	switch table {
	case unix.RT_TABLE_MAIN:
		return "main"
	case unix.RT_TABLE_LOCAL:
		return "local"
	case unix.RT_TABLE_DEFAULT:
		return "default"
	default:
		return fmt.Sprint(table)
	}
}

func mark(more attributes) string {
	value, mask := number(more.get(unix.FRA_FWMARK)), number(more.get(unix.FRA_FWMASK))
	if value == 0 && mask == 0 {
		return ""
	}
	if mask == 0xffffffff {
		return fmt.Sprintf("%#x", value)
	}
	return fmt.Sprintf("%#x/%#x", value, mask)
}

func portProtocol(more attributes) string {
	if value := more.get(unix.FRA_IP_PROTO); len(value) == 1 {
		return fmt.Sprintf("ipproto %d", value[0])
	}
	return ""
}

func ports(value []byte) string {
	if len(value) < 4 {
		return ""
	}
	first, last := native.Uint16(value), native.Uint16(value[2:])
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}
