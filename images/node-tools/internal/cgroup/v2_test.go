package cgroup

import (
	"testing"
	"time"
)

func TestOneLauncherAtATimeMakesRoom(t *testing.T) {
	dir := t.TempDir()
	first, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() {
		done, err := lock(dir)
		if err == nil {
			done()
		}
		second <- err
	}()
	select {
	case err := <-second:
		t.Fatalf("the second did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	first()
	if err := <-second; err != nil {
		t.Error(err)
	}
}
