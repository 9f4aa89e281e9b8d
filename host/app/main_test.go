package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// pluginName is the plugin that the tests charge with: the real one, as a
// process.
const pluginName = "trustpayments"

// pluginBinary is built once for all tests; pluginSum is its checksum.
var pluginBinary, pluginSum string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "chargehand-plugin-")
	if err == nil {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the plugin:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func build(dir string) error {
	pluginBinary = filepath.Join(dir, pluginName)
	output, err := exec.Command("go", "build", "-o", pluginBinary,
		"github.com/chargehand/chargehand/plugin/trustpayments/cmd/trustpayments").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	content, err := os.ReadFile(pluginBinary)
	digest := sha256.Sum256(content)
	pluginSum = hex.EncodeToString(digest[:])
	return err
}
