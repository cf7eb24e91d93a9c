package serve

import (
	"testing"
	"time"
)

func TestACommandIsKilledWheneverThatIsAskedFor(t *testing.T) {
	s := &server{processes: newProcesses()}
	for id, early := range map[int64]bool{1: true, 2: false} {
		s.execs.expect(id)
		if early {
			s.execs.kill(id, s.processes)
		} else {
			go func() {
				time.Sleep(50 * time.Millisecond)
				s.execs.kill(id, s.processes)
			}()
		}
		result, err := s.exec(request{ID: id, Argv: []string{"/bin/sh", "-c", "sleep 20 & wait"}, TimeoutMs: 10000})
		if err != nil {
			t.Fatal(err)
		}
		if result.TimedOut || result.Signal == nil || *result.Signal != "SIGKILL" {
			t.Errorf("killed early: %v, got %+v", early, result)
		}
	}
	s.execs.kill(1, s.processes) // already ended
	if len(s.execs.byID) > 0 {
		t.Errorf("left: %v", s.execs.byID)
	}
}
