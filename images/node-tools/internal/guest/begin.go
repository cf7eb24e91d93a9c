package guest

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"cnilab/node-tools/internal/root"
	"cnilab/node-tools/internal/segment"

	"golang.org/x/sys/unix"
)

// Beginning makes a guest into one specific node. It is the first line that a lab sends. Everything that is specific
// to a guest comes from it, so that any number of guests can begin from one saved state.
type Beginning struct {
	Name   string `json:"name"`
	TimeMs int64  `json:"timeMs"`
	// Seed is random. In JSON it is base64.
	Seed []byte `json:"seed"`
	// Member is the node's place in a group of nodes; nil for a single node.
	Member *segment.Member `json:"member"`
}

// Beginner begins nodes on one machine: one after the machine has booted, and another each time its saved state is
// resumed.
type Beginner struct {
	artifacts *os.File
	identify  func(now, former root.Identity) error
	identity  root.Identity
	member    *segment.Member
}

func NewBeginner(devices Devices, identify func(now, former root.Identity) error) *Beginner {
	return &Beginner{artifacts: devices.Artifacts, identify: identify}
}

// Begin sets the machine's clock, its randomness, the artifacts of this run (which a resumed machine may have
// already) and its name. It takes the line that the lab sent.
func (b *Beginner) Begin(line []byte) error {
	var beginning Beginning
	if err := json.Unmarshal(line, &beginning); err != nil || beginning.Name == "" {
		return fmt.Errorf("not a beginning: %.200s", line)
	}
	now := unix.NsecToTimeval(beginning.TimeMs * 1e6)
	if err := unix.Settimeofday(&now); err != nil {
		return fmt.Errorf("could not set the clock: %w", err)
	}
	if err := seed(beginning.Seed); err != nil {
		return fmt.Errorf("could not seed the kernel's random numbers: %w", err)
	}
	if b.artifacts != nil {
		if err := mountArtifacts(b.artifacts, "/lab/artifacts"); err != nil {
			return err
		}
		b.artifacts = nil
	}
	former := b.identity
	b.identity = root.Identity{Name: beginning.Name}
	b.member = beginning.Member
	if b.member != nil {
		b.identity.Hosts = b.member.Hosts
	}
	if err := b.Connect(); err != nil {
		return err
	}
	return b.identify(b.identity, former)
}

// Connect connects the machine to the network of its group, if it is in one.
func (b *Beginner) Connect() error {
	if b.member == nil {
		return nil
	}
	return b.member.ConnectMachine()
}

// seed adds the host's randomness to the kernel's and makes the kernel use it at once; see random(4).
func seed(content []byte) error {
	random, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer random.Close()
	pool := struct {
		entropyBits, sizeBytes int32
		content                [64]byte
	}{}
	pool.sizeBytes = int32(copy(pool.content[:], content))
	pool.entropyBits = pool.sizeBytes * 8
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, random.Fd(), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&pool)))
	runtime.KeepAlive(&pool)
	if errno != 0 {
		return errno
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, random.Fd(), unix.RNDRESEEDCRNG, 0); errno != 0 {
		return errno
	}
	return nil
}

// mountArtifacts first drops what the kernel has cached of the disk: a resumed guest has another disk.
func mountArtifacts(disk *os.File, target string) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, disk.Fd(), unix.BLKFLSBUF, 0); errno != 0 {
		return fmt.Errorf("could not forget what was read of the artifact disk: %w", errno)
	}
	source := fmt.Sprintf("/proc/self/fd/%d", disk.Fd())
	if err := mount(source, target, "erofs", unix.MS_RDONLY); err != nil {
		return err
	}
	return disk.Close()
}
