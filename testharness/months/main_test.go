package months

import (
	"os"
	"testing"
	"time"
	_ "time/tzdata"
)

// TestMain puts the process where clocks are changed twice a year: nothing may
// depend on local time.
func TestMain(m *testing.M) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err)
	}
	time.Local = london //nolint:gosmopolitan // That is the point.
	os.Exit(m.Run())
}
