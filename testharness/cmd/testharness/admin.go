package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// adminFlags say which simulator a command speaks to.
type adminFlags struct {
	Admin *url.URL `required:"" env:"TESTHARNESS_ADMIN" help:"Address of the simulator's admin API, as in gateway.json."`
}

// adminTimeout is far above what the admin API needs for a ledger of a load run.
const adminTimeout = time.Minute

// call sends a request to the admin API and decodes the answer, if asked to.
func (f *adminFlags) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	body := []byte(nil)
	if raw, ok := in.(json.RawMessage); ok {
		body = raw
	} else if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	target := strings.TrimSuffix(f.Admin.String(), "/") + path
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, target, err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("is the simulator running? %w", err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, target, err)
	}
	if answer.StatusCode != http.StatusOK {
		var refused struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(content, &refused) != nil || refused.Error == "" {
			refused.Error = answer.Status
		}
		return fmt.Errorf("the simulator refuses: %s", refused.Error)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(content, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, target, err)
	}
	return nil
}
