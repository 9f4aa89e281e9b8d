package charge_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain asks for more tries than the library's default: what matters here
// takes several rare events in a row.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue && !testing.Short() {
		if err := f.Value.Set("10000"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
