package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/record"
)

type recordCommand struct {
	To     string `required:"" placeholder:"URL" help:"The gateway's address: https and a host."`
	CA     string `name:"ca" type:"existingfile" placeholder:"FILE" help:"CAs that the gateway's certificate may come from, in PEM form. Left out: those of this machine."`
	Listen string `default:"127.0.0.1:0" help:"Loopback address to take calls at (${default}; port 0 picks a free one)."`
	Dir    string `required:"" type:"path" help:"Folder that gets ca.pem and record.json once calls are taken."`
	File   string `required:"" type:"path" help:"The recording: a new file, which its owner alone may read."`
	Limit  int64  `default:"67108864" help:"Largest size of the recording in bytes (${default}). Calls are refused beyond it."`
	Live   bool   `help:"Pass on calls too that may reach a live site. Real money moves then."`
	JSON   bool   `name:"json" help:"Print what record.json says as one line of JSON once calls are taken, and the number of exchanges at the end."`
}

// Help is shown by --help.
func (*recordCommand) Help() string {
	return `Stands between a client and a gateway, passes everything on, and writes what passes to a file until it is interrupted:
without secrets, card data and personal data, which are masked before anything is written. Give the client the address and
the CA in DIR/record.json; logins stay its own. "testharness compare" plays the recording to the simulator.

A call passes only if every request in it names a test site (test_...), unless --live is given.

Exit codes: 0 the recording is complete, 1 it could not be made, or is not complete.

Example:
  testharness record --to https://webservices.securetrading.net --dir /tmp/record --file recording.jsonl
  curl --cacert /tmp/record/ca.pem --user NAME:PASSWORD ... https://127.0.0.1:PORT/json/`
}

// Run records until the context ends.
func (c *recordCommand) Run(ctx context.Context, k *kong.Kong) error {
	roots, err := readRoots(c.CA)
	if err != nil {
		return err
	}
	p, err := record.Start(ctx, record.Config{
		To: c.To, Listen: c.Listen, Dir: c.Dir, File: c.File, Roots: roots, Live: c.Live, Limit: c.Limit,
	})
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if info := p.Info(); c.JSON {
		err = printJSON(k.Stdout, info)
	} else {
		err = printLine(k.Stdout, fmt.Sprintf("service    %s\ngateway    %s\nfolder     %s (ca.pem, record.json)\nrecording  %s", info.JSONURL, info.To, c.Dir, info.File))
	}
	if err == nil {
		<-ctx.Done()
	}
	if closed := p.Close(); closed != nil {
		return fmt.Errorf("the recording has %d exchanges and is not complete: %w", p.Count(), closed)
	}
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(k.Stdout, map[string]int{"exchanges": p.Count()})
	default:
		return printLine(k.Stdout, fmt.Sprintf("%d exchanges recorded", p.Count()))
	}
}

// readRoots reads CAs; without a file those of this machine hold.
func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // What crypto/tls takes for "those of this machine".
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read CAs: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", file)
	}
	return roots, nil
}
