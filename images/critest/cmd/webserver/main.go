// webserver replaces the web servers that critest runs. It answers every request with its name and writes a pid file
// as they do.
//
//	nginx "master process" [PORT]
//	httpd
package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	name := filepath.Base(os.Args[0])
	port := "80"
	if len(os.Args) > 2 {
		port = os.Args[2]
	}
	fmt.Printf("%s serves on port %s\n", name, port)
	if err := serve(name, port); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func serve(name, port string) error {
	if err := os.MkdirAll("/var/run", 0o755); err != nil {
		return err
	}
	pid := strconv.Itoa(os.Getpid()) + "\n"
	if err := os.WriteFile("/var/run/"+name+".pid", []byte(pid), 0o644); err != nil {
		return err
	}
	return http.ListenAndServe(":"+port, http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(answer, "%s\n", name)
	}))
}
