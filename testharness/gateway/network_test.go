package gateway_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

const short = gateway.Duration(300 * time.Millisecond)

// patience is how long a client waits here that is to find out that nobody
// answers, and generous how long one that is to be answered.
const (
	patience = 200 * time.Millisecond
	generous = time.Minute
)

func TestNetworkRefuse(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	parent, address := b.mint(), b.server.JSONURL()
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])
	b.fault(gateway.Fault{Effect: gateway.EffectRefuse})
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"], "what is open stays open")
	b.client.CloseIdleConnections()
	_, _, err := b.send(auth(parent))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.True(t, b.g.DeleteFault(b.g.Faults()[0].ID))
	require.False(t, b.g.DeleteFault(""))
	require.Equal(t, address, b.server.JSONURL())
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])

	b.client.CloseIdleConnections()
	b.fault(gateway.Fault{Effect: gateway.EffectRefuse, Delay: short})
	require.Eventually(t, func() bool {
		_, _, err := b.send(auth(parent))
		return err == nil
	}, generous, 10*time.Millisecond, "back after the time")
	require.Empty(t, b.g.Faults())
	require.Len(t, b.orders("K1-a1"), 4)

	b.fault(gateway.Fault{Effect: gateway.EffectRefuse})
	require.NoError(t, b.g.Reset(t.Context()))
	b.client.CloseIdleConnections()
	require.Equal(t, "0", b.sendOne(auth(b.mint()))["errorcode"], "a reset opens it as well")
}

func TestNetworkRefuseFromTheStart(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) { cfg.Faults = []gateway.Fault{{Effect: gateway.EffectRefuse}} }).serve()
	parent := b.mint()
	_, _, err := b.send(auth(parent))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	b.g.ClearFaults()
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])
}

func TestNetworkHandshakeStall(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	parent := b.mint()
	b.fault(gateway.Fault{Effect: gateway.EffectHandshakeStall, Times: 1})
	b.client.Timeout = patience
	_, _, err := b.send(auth(parent))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Empty(t, b.orders("K1-a1"))
	b.client.Timeout = generous
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])

	b.client.CloseIdleConnections()
	b.fault(gateway.Fault{Effect: gateway.EffectHandshakeStall, Times: 1, Delay: short})
	start := time.Now()
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"], "after the delay it goes on")
	require.GreaterOrEqual(t, time.Since(start), time.Duration(short))
}

func TestNetworkCloseKept(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	parent := b.mint()
	b.fault(gateway.Fault{Effect: gateway.EffectCloseKept, Type: "AUTH", Times: 1})
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"], "a fresh connection")
	require.Zero(t, b.g.Faults()[0].Matched)
	_, _, err := b.send(auth(parent))
	require.Error(t, err)
	require.True(t, errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || strings.Contains(err.Error(), "EOF"), err)
	require.Len(t, b.orders("K1-a1"), 1, "not processed")
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])
}

func TestNetworkHalfOpen(t *testing.T) {
	t.Parallel()
	for _, processed := range []bool{false, true} {
		b := faulty(t, gateway.Fault{Effect: gateway.EffectHalfOpen, Processed: processed})
		b.leave(auth(b.mint()), func() bool { return b.g.Faults()[0].Fired == 1 && processed == (len(b.orders("K1-a1")) == 1) })
		require.Eventually(t, func() bool { return b.g.Stats().InFlight == 0 }, generous, time.Millisecond, "it ends when the caller leaves")
		require.Equal(t, processed, len(b.orders("K1-a1")) == 1)
	}
	b := faulty(t, gateway.Fault{Effect: gateway.EffectHalfOpen, Delay: short})
	_, _, err := b.send(auth(b.mint()))
	require.ErrorIs(t, err, io.EOF, "closed in the end")
}

func TestNetworkSilenceEndsWithTheGateway(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectHalfOpen})
	failed := make(chan error, 1)
	element := auth(b.mint())
	go func() {
		_, _, err := b.send(element)
		failed <- err
	}()
	require.Eventually(t, func() bool { return b.g.Faults()[0].Fired == 1 }, generous, time.Millisecond)
	require.NoError(t, b.g.SetSwitches(t.Context(), gateway.Switches{Down: true}))
	require.Error(t, <-failed, "down closes every connection")
}

func TestNetworkCutAfter(t *testing.T) {
	t.Parallel()
	for _, bytes := range []int{0, 20, 300} {
		b := faulty(t, gateway.Fault{Effect: gateway.EffectCutAfter, Bytes: bytes})
		text, err := b.raw(auth(b.mint()), generous)
		require.ErrorIs(t, err, io.EOF)
		require.Len(t, text, bytes)
		require.Len(t, b.orders("K1-a1"), 1, "processed")
	}
	b := faulty(t, gateway.Fault{Effect: gateway.EffectCutAfter, Bytes: 300})
	_, _, err := b.send(auth(b.mint()))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	b = faulty(t, gateway.Fault{Effect: gateway.EffectCutAfter, Bytes: 100_000})
	require.Equal(t, "0", b.sendOne(auth(b.mint()))["errorcode"], "whole, and closed after it")
}

// raw sends one call over a connection of its own and returns all that comes
// back until the other side closes, or silence sets in.
func (b *bench) raw(element fields, silence time.Duration) (text string, err error) {
	b.t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(b.server.JSONURL(), "https://"), "/json/")
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: b.server.CAPool(), MinVersion: tls.VersionTLS12})
	require.NoError(b.t, err)
	defer conn.Close()
	content := string(body(b.t, element))
	_, err = io.WriteString(conn, "POST /json/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic d2Vic2VydmljZXNAZXhhbXBsZS5jb206UGFzc3dvcmQxXg==\r\n"+
		"Content-Length: "+strconv.Itoa(len(content))+"\r\n\r\n"+content)
	require.NoError(b.t, err)
	var out strings.Builder
	buffer := make([]byte, 4096)
	for {
		require.NoError(b.t, conn.SetReadDeadline(time.Now().Add(silence)))
		n, err := conn.Read(buffer)
		out.Write(buffer[:n])
		if err != nil {
			return out.String(), err
		}
	}
}

func TestNetworkStallAfter(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectStallAfter, Bytes: 100})
	text, err := b.raw(auth(b.mint()), 2*time.Second)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), "silence, and no close")
	require.Len(t, text, 100)
	require.True(t, strings.HasPrefix(text, "HTTP/1.1 200 OK\r\n"), text)

	b = faulty(t, gateway.Fault{Effect: gateway.EffectStallAfter, Bytes: 100, Delay: short})
	text, err = b.raw(auth(b.mint()), generous)
	require.ErrorIs(t, err, io.EOF, "closed after the delay")
	require.Len(t, text, 100)
}

func TestNetworkTrickle(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectTrickle, BytesPerSecond: 4000})
	start := time.Now()
	text, err := b.raw(auth(b.mint()), generous)
	require.ErrorIs(t, err, io.EOF, "an orderly end")
	require.Contains(t, text, `"errorcode":"0"`)
	require.Contains(t, text, "Connection: close\r\n")
	// The last piece is not waited for.
	require.GreaterOrEqual(t, time.Since(start), time.Duration(len(text)-400)*time.Second/4000)

	b = faulty(t, gateway.Fault{Effect: gateway.EffectTrickle, BytesPerSecond: 3})
	b.leave(auth(b.mint()), func() bool { return len(b.orders("K1-a1")) == 1 })
}
