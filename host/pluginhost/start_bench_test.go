package pluginhost

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
)

// BenchmarkStart is from nothing to the first answer and back, with the
// launcher and without.
func BenchmarkStart(b *testing.B) {
	for name, launcher := range map[string]string{"direct": "", "launcher": confine.Self()} {
		b.Run(name, func(b *testing.B) {
			f := newFolder(b)
			f.install(nil)
			for b.Loop() {
				h, err := New(Config{
					Dir: f.dir, Logger: (&sink{}).logger(), SocketDir: filepath.Join(f.dir, ".s"), Confine: confine.Config{Launcher: launcher},
				})
				require.NoError(b, err)
				require.NoError(b, h.Start(b.Context()))
				b.StopTimer()
				h.Stop(b.Context())
				b.StartTimer()
			}
		})
	}
}
