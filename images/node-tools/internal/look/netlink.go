package look

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// native: netlink is written in the byte order of the machine; the lab runs on amd64 and arm64, both little-endian.
var native = binary.LittleEndian

// message is one answer of the kernel: its type, and what follows its header.
type message struct {
	kind uint16
	body []byte
}

// errInterrupted: what was listed changed meanwhile, so the list may lack something that was there all the time.
var errInterrupted = errors.New("what was listed did not stop changing")

// dump asks the kernel for all there is of something, and makes nothing: what nobody has made yet is not made by asking.
// A kernel that does not know such things has none of them.
func dump(protocol int, kind uint16, body []byte) ([]message, error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err == unix.EPROTONOSUPPORT {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	request := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(body))
	native.PutUint32(request, uint32(unix.NLMSG_HDRLEN+len(body)))
	native.PutUint16(request[4:], kind)
	native.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request = append(request, body...)
	for attempt := 0; ; attempt++ {
		messages, err := ask(socket, request)
		if err != errInterrupted || attempt == 10 {
			return messages, err
		}
	}
}

func ask(socket int, request []byte) ([]message, error) {
	if err := unix.Sendto(socket, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	var messages []message
	interrupted := false
	buffer := make([]byte, 64<<10)
	for {
		count, _, err := unix.Recvfrom(socket, buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		more, end, err := parseMessages(append([]byte(nil), buffer[:count]...))
		if errno, ok := err.(unix.Errno); ok && unknown(socket, errno) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		messages = append(messages, more...)
		interrupted = interrupted || end.interrupted
		if end.reached {
			if interrupted {
				return nil, errInterrupted
			}
			return messages, nil
		}
	}
}

// unknown tells that the kernel has nobody who could answer: nfnetlink says it in two ways.
func unknown(socket int, errno unix.Errno) bool {
	protocol, _ := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	return errno == unix.EOPNOTSUPP || (errno == unix.EINVAL && protocol == unix.NETLINK_NETFILTER)
}

type end struct{ reached, interrupted bool }

func parseMessages(bytes []byte) (messages []message, end end, err error) {
	for len(bytes) >= unix.NLMSG_HDRLEN {
		length, kind := int(native.Uint32(bytes)), native.Uint16(bytes[4:])
		if length < unix.NLMSG_HDRLEN || length > len(bytes) {
			return nil, end, errors.New("the kernel answered with a broken message")
		}
		end.interrupted = end.interrupted || native.Uint16(bytes[6:])&unix.NLM_F_DUMP_INTR != 0
		body := bytes[unix.NLMSG_HDRLEN:length]
		switch {
		case kind == unix.NLMSG_DONE:
			end.reached = true
			return messages, end, nil
		case kind == unix.NLMSG_ERROR && len(body) >= 4:
			end.reached = true
			return nil, end, unix.Errno(-int32(native.Uint32(body)))
		default:
			messages = append(messages, message{kind, body})
		}
		bytes = bytes[min((length+3)&^3, len(bytes)):]
	}
	return messages, end, nil
}

// attributes are what follows the head of a message: length and type, two bytes each, then the value, filled up to four bytes.
type attributes []byte

// get returns the value of the first attribute of this type; nil where there is none.
func (a attributes) get(kind uint16) []byte {
	for len(a) >= 4 {
		length := int(native.Uint16(a))
		if length < 4 || length > len(a) {
			break
		}
		if native.Uint16(a[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == kind {
			return a[4:length:length]
		}
		a = a[min((length+3)&^3, len(a)):]
	}
	return nil
}

// in returns the attributes that are the value of this one.
func (a attributes) in(kind uint16) attributes { return a.get(kind) }

// listed is a dump of whose messages each has a head of a fixed size, and attributes after it.
func listed(protocol int, kind uint16, body []byte, head int, what string, each func(head []byte, more attributes)) error {
	messages, err := dump(protocol, kind, body)
	if err != nil {
		return fmt.Errorf("could not list %s: %w", what, err)
	}
	for _, one := range messages {
		if len(one.body) >= head {
			each(one.body[:head], one.body[head:])
		}
	}
	return nil
}

func text(value []byte) string {
	for i, character := range value {
		if character == 0 {
			return string(value[:i])
		}
	}
	return string(value)
}

func number(value []byte) uint32 {
	if len(value) < 4 {
		return 0
	}
	return native.Uint32(value)
}

// table is one nftables table.
type table struct {
	family byte
	name   string
}

// nftTables asks the kernel itself, so that it works without the nft program.
func nftTables() ([]table, error) {
	const nfgenmsg = 4
	var tables []table
	err := listed(unix.NETLINK_NETFILTER, unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETTABLE, make([]byte, nfgenmsg), nfgenmsg,
		"nftables tables", func(head []byte, more attributes) {
			tables = append(tables, table{head[0], text(more.get(unix.NFTA_TABLE_NAME))})
		})
	return tables, err
}
