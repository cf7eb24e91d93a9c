package look

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Requests, messages and attributes are those of vishvananda/netlink/nl. The lists of vishvananda/netlink itself lose
// what a look must report: a peer's namespace that is ending, who made an address, `from` and `nhid` of a route, a
// rule's action, the ports of SCTP, the family of an IPsec policy for all addresses.

// native is the byte order of netlink, which is the machine's. The lab runs on amd64 and arm64, both little-endian.
var native = binary.LittleEndian

// kernel is a netlink client of a look. It has one socket for each protocol, because opening a socket takes longer
// than a question. The sockets are in the network namespace of the thread that asks first. The zero value is ready to
// use.
type kernel struct {
	mutex    sync.Mutex
	sockets  map[int]*nl.SocketHandle
	isClosed bool
}

// answerWithin is how long the kernel may take for one message.
var answerWithin = unix.Timeval{Sec: 10}

func (k *kernel) socket(protocol int) (map[int]*nl.SocketHandle, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if socket := k.sockets[protocol]; socket != nil {
		return map[int]*nl.SocketHandle{protocol: socket}, nil
	}
	if k.isClosed {
		return nil, os.ErrClosed
	}
	socket, err := nl.Subscribe(protocol)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(socket.SetSendTimeout(&answerWithin), socket.SetReceiveTimeout(&answerWithin)); err != nil {
		socket.Close()
		return nil, err
	}
	if k.sockets == nil {
		k.sockets = map[int]*nl.SocketHandle{}
	}
	k.sockets[protocol] = &nl.SocketHandle{Socket: socket}
	return map[int]*nl.SocketHandle{protocol: k.sockets[protocol]}, nil
}

func (k *kernel) close() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.isClosed = true
	for _, one := range k.sockets {
		one.Close()
	}
}

// ask returns the messages of the answer with one type, or all messages if `answer` is 0.
func (k *kernel) ask(protocol int, request *nl.NetlinkRequest, answer uint16) (messages [][]byte, err error) {
	if request.Sockets, err = k.socket(protocol); err != nil {
		return nil, err
	}
	return request.Execute(protocol, answer)
}

// dump asks the kernel for all objects of a kind. Asking creates nothing. A kernel that does not know the kind has no
// such objects.
func (k *kernel) dump(protocol int, kind int, body []byte) ([][]byte, error) {
	for attempt := 0; ; attempt++ {
		request := nl.NewNetlinkRequest(kind, unix.NLM_F_DUMP)
		request.AddRawData(body)
		messages, err := k.ask(protocol, request, 0)
		switch {
		case unknown(protocol, err):
			return nil, nil
		case !errors.Is(err, nl.ErrDumpInterrupted): // an interrupted list may lack objects that existed all the time
			return messages, err
		case attempt == 10:
			return nil, errors.New("what was listed did not stop changing")
		}
	}
}

// unknown reports whether the kernel does not support what was asked. nfnetlink has two errors for this.
func unknown(protocol int, err error) bool {
	return errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) ||
		errors.Is(err, unix.EINVAL) && protocol == unix.NETLINK_NETFILTER
}

// attributes follow the head of a message.
type attributes []syscall.NetlinkRouteAttr

// attributesOf returns none if they cannot be parsed.
func attributesOf(value []byte) attributes {
	found, _ := nl.ParseRouteAttr(value)
	return found
}

// get returns the value of the first attribute of this type, or nil.
func (a attributes) get(kind uint16) []byte {
	for i := range a {
		if a[i].Attr.Type&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == kind {
			return a[i].Value
		}
	}
	return nil
}

// in returns the attributes that are the value of this one.
func (a attributes) in(kind uint16) attributes { return attributesOf(a.get(kind)) }

// listed is a dump whose messages have a head of a fixed size, followed by attributes.
func (k *kernel) listed(protocol int, kind int, body []byte, head int, what string, each func(head []byte, more attributes)) error {
	messages, err := k.dump(protocol, kind, body)
	if err != nil {
		return fmt.Errorf("could not list %s: %w", what, err)
	}
	for _, one := range messages {
		if len(one) >= head {
			each(one[:head], attributesOf(one[head:]))
		}
	}
	return nil
}

func text(value []byte) string { return unix.ByteSliceToString(value) }

func number(value []byte) uint32 {
	if len(value) < 4 {
		return 0
	}
	return native.Uint32(value)
}

// table is an nftables table.
type table struct {
	family byte
	name   string
}

// nftTables asks the kernel itself, so that it works without the nft program. The contents of a table are listed with
// nft and iptables-save, because google/nftables cannot print them.
func (k *kernel) nftTables() ([]table, error) {
	var tables []table
	err := k.listed(unix.NETLINK_NETFILTER, unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETTABLE, make([]byte, nl.SizeofNfgenmsg),
		nl.SizeofNfgenmsg, "nftables tables", func(head []byte, more attributes) {
			tables = append(tables, table{nl.DeserializeNfgenmsg(head).NfgenFamily, text(more.get(unix.NFTA_TABLE_NAME))})
		})
	return tables, err
}
