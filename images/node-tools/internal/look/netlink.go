package look

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// native: netlink is written in the byte order of the machine; the lab runs on amd64 and arm64, both little-endian.
var native = binary.LittleEndian

// nested reads attributes: length and type, two bytes each, then the value, filled up to four bytes.
func nested(bytes []byte) map[uint16][]byte {
	found := map[uint16][]byte{}
	for len(bytes) >= 4 {
		length, kind := int(native.Uint16(bytes)), native.Uint16(bytes[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)
		if length < 4 || length > len(bytes) {
			break
		}
		found[kind] = bytes[4:length]
		bytes = bytes[min((length+3)&^3, len(bytes)):]
	}
	return found
}

func text(value []byte) string {
	for i, character := range value {
		if character == 0 {
			return string(value[:i])
		}
	}
	return string(value)
}

// table is one nftables table.
type table struct {
	family byte
	name   string
}

// nftTables asks the kernel itself, so that it works without the nft program, and makes nothing: a table that nobody
// has made yet is not made by looking. A kernel without nftables has none.
func nftTables() ([]table, error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err == unix.EPROTONOSUPPORT {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("could not ask for nftables tables: %w", err)
	}
	defer unix.Close(socket)
	request := make([]byte, 20) // nlmsghdr and nfgenmsg, of which all but these fields is zero
	native.PutUint32(request, 20)
	native.PutUint16(request[4:], unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETTABLE)
	native.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	if err := unix.Sendto(socket, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("could not ask for nftables tables: %w", err)
	}
	var tables []table
	buffer := make([]byte, 64<<10)
	for {
		count, _, err := unix.Recvfrom(socket, buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("could not read nftables tables: %w", err)
		}
		more, done, err := parseTables(buffer[:count])
		tables = append(tables, more...)
		if err != nil || done {
			return tables, err
		}
	}
}

func parseTables(bytes []byte) (tables []table, done bool, err error) {
	for len(bytes) >= unix.NLMSG_HDRLEN {
		length, kind := int(native.Uint32(bytes)), native.Uint16(bytes[4:])
		if length < unix.NLMSG_HDRLEN || length > len(bytes) {
			return tables, true, fmt.Errorf("nftables answered with a broken message")
		}
		body := bytes[unix.NLMSG_HDRLEN:length]
		switch {
		case kind == unix.NLMSG_DONE:
			return tables, true, nil
		case kind == unix.NLMSG_ERROR && len(body) >= 4:
			errno := unix.Errno(-int32(native.Uint32(body)))
			if errno == unix.EINVAL || errno == unix.EOPNOTSUPP { // nfnetlink without nf_tables
				return nil, true, nil
			}
			return tables, true, fmt.Errorf("could not list nftables tables: %w", errno)
		case kind == unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWTABLE && len(body) >= 4:
			tables = append(tables, table{body[0], text(nested(body[4:])[unix.NFTA_TABLE_NAME])})
		}
		bytes = bytes[min((length+3)&^3, len(bytes)):]
	}
	return tables, false, nil
}
