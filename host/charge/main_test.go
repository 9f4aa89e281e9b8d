package charge_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain asks for more tries than the library's default, since what matters
// here takes several rare events in a row, and for the same ones each time, so
// that a change is judged by what it does. Others are tried with
//
//	go test ./host/charge -run NeverTwice -rapid.checks=1000000 -rapid.seed=2
func TestMain(m *testing.M) {
	flag.Parse()
	if !testing.Short() {
		set("rapid.checks", "10000")
		set("rapid.seed", "1")
	}
	os.Exit(m.Run())
}

// set gives a flag a value, unless the command line has.
func set(name, value string) {
	if f := flag.Lookup(name); f != nil && f.Value.String() == f.DefValue {
		if err := f.Value.Set(value); err != nil {
			panic(err)
		}
	}
}
