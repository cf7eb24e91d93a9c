// A replacement for testcontainers' reaper, whose image is not available where the tests run. It works as described
// in the reaper's README: each line of a connection is a filter, and gets an answer. Some time after the last
// connection has ended, it removes the containers that match a filter, and ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

const connectWithin = 60 * time.Second

func main() {
	if len(os.Args) > 1 { // a reaper that does not work: it is silent for this time
		wait, _ := time.ParseDuration(os.Args[1])
		time.Sleep(wait)
		return
	}
	reconnectWithin, err := time.ParseDuration(os.Getenv("RYUK_RECONNECTION_TIMEOUT"))
	if err != nil {
		reconnectWithin = 10 * time.Second
	}
	listener, err := net.Listen("tcp", ":8080")
	if err != nil {
		panic(err)
	}
	fmt.Println("Started")

	var filters sync.Map
	came, went := make(chan bool), make(chan bool)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				panic(err)
			}
			came <- true
			go func() {
				for lines := bufio.NewScanner(connection); lines.Scan(); fmt.Fprintln(connection, "ACK") {
					filters.Store(lines.Text(), true)
				}
				went <- true
			}()
		}
	}()

	clients, idle := 0, time.NewTimer(connectWithin)
	for {
		select {
		case <-came:
			clients++
			idle.Stop()
		case <-went:
			clients--
			if clients == 0 {
				idle.Reset(reconnectWithin)
			}
		case <-idle.C:
			filters.Range(func(filter, _ any) bool {
				remove(filter.(string))
				return true
			})
			return
		}
	}
}

var engine = http.Client{Transport: &http.Transport{
	DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", "/var/run/docker.sock")
	},
}}

// remove removes all containers that match a filter like label=org.testcontainers.session-id=x, except reapers.
func remove(filter string) {
	values, err := url.ParseQuery(filter)
	if err != nil {
		panic(err)
	}
	filters, _ := json.Marshal(values)
	var containers []struct {
		Id     string
		Labels map[string]string
	}
	answer := ask("GET", "/containers/json?all=1&filters="+url.QueryEscape(string(filters)))
	if err := json.NewDecoder(answer.Body).Decode(&containers); err != nil {
		panic(err)
	}
	for _, container := range containers {
		if container.Labels["org.testcontainers.ryuk"] != "true" {
			ask("DELETE", "/containers/"+container.Id+"?force=1&v=1")
		}
	}
}

func ask(method, path string) *http.Response {
	request, _ := http.NewRequest(method, "http://engine"+path, nil)
	answer, err := engine.Do(request)
	if err != nil {
		panic(err)
	}
	return answer
}
