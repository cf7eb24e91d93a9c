package cnicall

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netns"
)

func netnsPath(name string) string { return "/var/run/netns/" + name }

// makeNetns returns the path of a named namespace. It creates the namespace if it does not exist, as `ip netns add`
// does.
func makeNetns(name string) (string, error) {
	path := netnsPath(name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := netns.Get()
	if err != nil {
		return "", err
	}
	defer before.Close()
	made, err := netns.NewNamed(name) // this also enters it
	if err != nil {
		return "", fmt.Errorf("could not make the network namespace %s: %w", path, err)
	}
	defer made.Close()
	return path, netns.Set(before)
}
