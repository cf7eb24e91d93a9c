package look

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readWhole reads a file of /proc with half the system calls of os.ReadFile. A look reads hundreds of files.
func readWhole(path string) (string, error) {
	file, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(file)
	var content []byte
	for buffer := make([]byte, 4096); ; {
		count, err := unix.Read(file, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return "", &os.PathError{Op: "read", Path: path, Err: err}
		}
		if count == 0 {
			return string(content), nil
		}
		content = append(content, buffer[:count]...)
	}
}

// openRegular opens a file that a plugin or a runtime has made. A pipe or a device in its place is an error: reading it
// could wait for ever.
func openRegular(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func readRegular(path string) (string, error) {
	file, err := openRegular(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}
