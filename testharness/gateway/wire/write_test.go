package wire_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

func sample() wire.Fields {
	return wire.Fields{
		wire.Text("a", "quote \" slash \\ control \x01\n é"),
		wire.Maybe("b", "optional"),
		wire.List("c", "x", "y"),
		wire.List("d"),
		wire.Objects("e", []wire.Fields{{wire.Text("f", "1"), wire.Text("g", "2")}, {}}),
		wire.Objects("h", nil),
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	//nolint:testifylint // the bytes matter here, not only what they mean
	require.Equal(t,
		`{"a":"quote \" slash \\ control \u0001\u000a é","b":"optional","c":["x","y"],"d":[],"e":[{"f":"1","g":"2"},{}],"h":[]}`,
		string(sample().Append(nil)))
}

func TestScrambleKeepsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	var want map[string]any
	require.NoError(t, json.Unmarshal(sample().Append(nil), &want))
	orders := map[string]bool{}
	for seed := range uint64(50) {
		text := sample().Scramble(rand.New(rand.NewPCG(seed, 0)), 0.5).Append(nil)
		orders[string(text)] = true
		var got map[string]any
		require.NoError(t, json.Unmarshal(text, &got))
		if _, there := got["b"]; !there {
			got["b"] = "optional"
		}
		require.Empty(t, cmp.Diff(want, got))
	}
	require.Greater(t, len(orders), 20, "members come in many orders")
	again := sample().Scramble(rand.New(rand.NewPCG(7, 0)), 0.5).Append(nil)
	require.Equal(t, string(sample().Scramble(rand.New(rand.NewPCG(7, 0)), 0.5).Append(nil)), string(again))
}
