module github.com/containers/conmon-rs

go 1.18
