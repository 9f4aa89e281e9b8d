package pluginkit

import (
	"fmt"
	"io"
	"os"
)

// maxPrinted bounds what is quoted of a plugin that printed.
const maxPrinted = 200

// capture runs f and gives back the beginning of what it printed.
func capture(f func() error) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", fmt.Errorf("watch standard output: %w", err)
	}
	defer r.Close()

	printed := make(chan string, 1)
	go func() {
		head, _ := io.ReadAll(io.LimitReader(r, maxPrinted))
		_, _ = io.Copy(io.Discard, r)
		printed <- string(head)
	}()
	stdout := os.Stdout
	os.Stdout = w // fmt.Print goes where this points
	defer func() { os.Stdout = stdout }()

	err = f()
	_ = w.Close()
	return <-printed, err
}
