package look

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

const frToTable = 1 // FR_ACT_TO_TBL of include/uapi/linux/fib_rules.h

var ruleActions = map[byte]string{3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}

// readRules returns the rules that choose a table of routes, named as `ip rule` prints them.
func readRules() ([]attachment, error) {
	const head = 12 // struct fib_rule_hdr
	var found []attachment
	err := listed(unix.NETLINK_ROUTE, unix.RTM_GETRULE, make([]byte, head), head, "rules",
		func(head []byte, more attributes) {
			table := uint32(head[4])
			if value := more.get(unix.FRA_TABLE); value != nil {
				table = number(value)
			}
			action := ruleActions[head[7]]
			if head[7] == frToTable {
				action = "lookup " + ruleTable(table)
			}
			if target := number(more.get(unix.FRA_GOTO)); target != 0 {
				action = fmt.Sprintf("goto %d", target)
			}
			from := source(more.get(unix.FRA_SRC), head[2])
			if from == "" {
				from = everything(head[0])
			}
			not := ""
			if native.Uint32(head[8:])&unix.FIB_RULE_INVERT != 0 {
				not = "not"
			}
			found = append(found, attachment{"rule", words(
				fmt.Sprintf("%d:", number(more.get(unix.FRA_PRIORITY))), not, "from", from,
				labelled("to", source(more.get(unix.FRA_DST), head[1])), counted("tos", uint32(head[3])),
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
