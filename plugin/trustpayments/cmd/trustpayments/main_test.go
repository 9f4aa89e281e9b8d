package main

import (
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
)

func TestNewGateway(t *testing.T) {
	for _, name := range []string{"TRUSTPAYMENTS_EU_URL", "TRUSTPAYMENTS_US_URL", "TRUSTPAYMENTS_CA_FILE"} {
		t.Setenv(name, "") // what rules out t.Parallel
	}
	g, err := newGateway(hclog.NewNullLogger())
	require.NoError(t, err)
	d, err := g.Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, "trustpayments", d.Name)

	t.Setenv("TRUSTPAYMENTS_US_URL", "http://us.example/")
	_, err = newGateway(hclog.NewNullLogger())
	require.EqualError(t, err, "set up the connection to Trust Payments: region US: the address of the gateway at us.example does not start with https://")
}
