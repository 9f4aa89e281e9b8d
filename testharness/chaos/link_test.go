package chaos

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo answers whatever it gets.
func echo(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	return l.Addr().String()
}

func through(t *testing.T) *link {
	t.Helper()
	address := echo(t)
	l, err := openLink(t.Context(), func() (string, string, error) { return "tcp", address, nil })
	require.NoError(t, err)
	t.Cleanup(l.close)
	return l
}

func dial(t *testing.T, l *link) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return c
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	_, err := c.Write([]byte(text))
	require.NoError(t, err)
}

func hear(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, text, string(got))
}

func TestLinkCarries(t *testing.T) {
	t.Parallel()
	l := through(t)
	c := dial(t, l)
	say(t, c, "one")
	hear(t, c, "one")
	l.set(KindSlow)
	say(t, c, "two")
	hear(t, c, "two")
	l.set("")
	say(t, c, "three")
	hear(t, c, "three")
}

func TestLinkThatIsCut(t *testing.T) {
	t.Parallel()
	l := through(t)
	c := dial(t, l)
	say(t, c, "one")
	hear(t, c, "one")
	l.set(KindCut)
	_, err := io.ReadAll(c)
	require.Error(t, err)
	// The reset may come as early as that.
	if other, err := net.Dial("tcp", l.address()); err == nil {
		_, err = io.ReadAll(other)
		require.Error(t, err)
		require.NoError(t, other.Close())
	}
	l.set("")
	c = dial(t, l)
	say(t, c, "two")
	hear(t, c, "two")
}

// What was said meanwhile arrives once it goes on.
func TestLinkThatStalls(t *testing.T) {
	t.Parallel()
	l := through(t)
	c := dial(t, l)
	say(t, c, "one")
	hear(t, c, "one")
	l.set(KindStall)
	say(t, c, "two")
	require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorContains(t, err, "timeout")
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	l.set("")
	hear(t, c, "two")
}

// Answers are lost for good, and the connection with them.
func TestLinkThatIsDeaf(t *testing.T) {
	t.Parallel()
	l := through(t)
	c := dial(t, l)
	say(t, c, "one")
	hear(t, c, "one")
	l.set(KindDeaf)
	say(t, c, "two")
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for p := range l.pairs {
			if p.lost.Load() {
				return true
			}
		}
		return false
	}, time.Minute, time.Millisecond)
	l.set("")
	rest, _ := io.ReadAll(c)
	require.Empty(t, rest)
}
