package app

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// maxKeyFile is more than any key file has, in bytes.
const maxKeyFile = 4096

// keyBytes is the length of the keys in files.
const keyBytes = 32

// ReadKey reads a key file that only its owner may read.
func ReadKey(path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("no file is configured; `chargehand key new FILE` makes one")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w; `chargehand key new FILE` makes one", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s may be read by others; run: chmod 600 %s", path, path)
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s is no key file: it has %d bytes", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("the key file %s must hold %d bytes in base64", path, keyBytes)
	}
	return key, nil
}
