package settings

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KeyWrapper holds a master key, or knows who does: it wraps the keys of the
// companies and opens them again. Methods may be called at the same time.
type KeyWrapper interface {
	// ID names the master key; it is stored beside what was wrapped.
	ID() string
	// Wrap seals a key; Unwrap opens it, given the same associated data. What
	// another master key wrapped fails with ErrMasterKey.
	Wrap(ctx context.Context, key, associated []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, associated []byte) ([]byte, error)
}

// masterKeySize is that of an AES-256 key, in bytes.
const masterKeySize = 32

// MasterKey is a master key that the host itself holds. It never prints.
type MasterKey struct {
	id   string
	aead tink.AEAD
}

// ParseMasterKey reads the base64 of 32 bytes, as from the environment.
// Refusals wrap ErrMasterKey and never repeat the value.
func ParseMasterKey(value string) (*MasterKey, error) {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil, fmt.Errorf("%w: it is empty; give the base64 of 32 random bytes", ErrMasterKey)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not base64; give the base64 of 32 random bytes", ErrMasterKey)
	}
	if len(key) != masterKeySize {
		return nil, fmt.Errorf("%w: it has %d bytes; give the base64 of 32 random bytes", ErrMasterKey, len(key))
	}
	aead, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	sum := sha256.Sum256(append([]byte("chargehand master key "), key...))
	return &MasterKey{id: hex.EncodeToString(sum[:8]), aead: aead}, nil
}

// MasterKeyFromFile reads a master key from a file that its owner alone may
// read.
func MasterKeyFromFile(path string) (*MasterKey, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no file %s; create it with mode 0600 and the base64 of 32 random bytes, or bring back the one that the database was used with", ErrMasterKey, path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrMasterKey, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s is not a file", ErrMasterKey, path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: others may read or write %s (mode %#o); chmod 600 it, and change the key if it may have been read", ErrMasterKey, path, info.Mode().Perm())
	}
	value, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, fmt.Errorf("%w: read %s: %w", ErrMasterKey, path, err)
	}
	key, err := ParseMasterKey(string(value))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// CreateMasterKeyFile makes a new master key and writes it where no file was
// before. Losing the file loses all secrets in the database.
func CreateMasterKeyFile(path string) (*MasterKey, error) {
	key := make([]byte, masterKeySize)
	_, _ = rand.Read(key) // it never fails
	value := base64.StdEncoding.EncodeToString(key)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: create: %w", ErrMasterKey, err)
	}
	_, err = f.WriteString(value + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		// A file cut short would be taken for a wrong key ever after.
		return nil, fmt.Errorf("%w: write %s: %w", ErrMasterKey, path, errors.Join(err, os.Remove(path)))
	}
	return ParseMasterKey(value)
}

// ID is derived from the key, and tells nothing about it.
func (k *MasterKey) ID() string { return k.id }

// Wrap implements KeyWrapper.
func (k *MasterKey) Wrap(_ context.Context, key, associated []byte) ([]byte, error) {
	wrapped, err := k.aead.Encrypt(key, associated)
	if err != nil {
		return nil, fmt.Errorf("%w %s: wrap: %w", ErrMasterKey, k.id, err)
	}
	return wrapped, nil
}

// Unwrap implements KeyWrapper.
func (k *MasterKey) Unwrap(_ context.Context, wrapped, associated []byte) ([]byte, error) {
	key, err := k.aead.Decrypt(wrapped, associated)
	if err != nil {
		return nil, fmt.Errorf("%w %s: it did not wrap this, or what was wrapped has been altered", ErrMasterKey, k.id)
	}
	return key, nil
}

// String names the key without telling it.
func (k *MasterKey) String() string { return "master key " + k.id }

// Format keeps every verb from printing the key.
func (k *MasterKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }
