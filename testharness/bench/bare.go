package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chargehand/chargehand/testharness/stand"
)

// maxBare is the highest concurrency of the bare loop.
const maxBare = 64

// bareLevels are the concurrencies that the bare loop is tried at; the best
// counts.
var bareLevels = []int{1, 4, 16, maxBare}

// bare does for each payment the least that is safe, and nothing else: insert
// and commit, the HTTPS call on a connection that is kept, update and commit.
type bare struct {
	db     *sql.DB
	http   *http.Client
	url    string
	user   string
	secret string
	shop   stand.Shop
	now    func() time.Time
}

func (r *rig) openBare(ctx context.Context) (*bare, error) {
	pem, err := os.ReadFile(r.simulator.Info.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the simulator's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("the simulator's CA file holds no certificate")
	}
	db, err := r.db.open()
	if err != nil {
		return nil, fmt.Errorf("open the bare loop's database: %w", err)
	}
	if _, err := db.ExecContext(ctx, r.db.schema); err != nil {
		return nil, errors.Join(fmt.Errorf("make the bare loop's table: %w", err), db.Close())
	}
	user := r.simulator.User()
	return &bare{
		db: db, url: r.simulator.Info.JSONURL, user: user.Name, secret: user.Password, shop: r.shops[0], now: r.b.cfg.Now,
		http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: maxBare,
			DisableCompression: true, // as the plugin
		}},
	}, nil
}

func (l *bare) close() {
	l.http.CloseIdleConnections()
	_ = l.db.Close()
}

// run makes n payments, so many at a time.
func (l *bare) run(ctx context.Context, n, concurrency int) (load, error) {
	return drive(l.now, n, concurrency, func(int) (time.Duration, error) { return l.pay(ctx) })
}

// pay makes one payment and gives the time that it took besides the call.
func (l *bare) pay(ctx context.Context) (time.Duration, error) {
	id, began := rand.Text(), l.now()
	const amount = 1250
	_, err := l.db.ExecContext(ctx, "INSERT INTO bare_payments (id, reference, amount, currency, state, started_at) VALUES (?, ?, ?, ?, ?, ?)",
		id, "B"+id[:24], amount, "GBP", "started", began.UTC())
	if err != nil {
		return 0, fmt.Errorf("bare loop: insert: %w", err)
	}
	called := l.now()
	evidence, err := l.authorise(ctx, "B"+id[:24], amount)
	if err != nil {
		return 0, fmt.Errorf("bare loop: call: %w", err)
	}
	answered := l.now()
	_, err = l.db.ExecContext(ctx, "UPDATE bare_payments SET state = ?, answered_at = ?, evidence = ? WHERE id = ? AND state = 'started'",
		"approved", answered.UTC(), evidence, id)
	if err != nil {
		return 0, fmt.Errorf("bare loop: update: %w", err)
	}
	return l.now().Sub(began) - answered.Sub(called), nil
}

// authorise makes the call that the plugin makes.
func (l *bare) authorise(ctx context.Context, reference string, amount int) (string, error) {
	body, err := json.Marshal(map[string]any{"alias": l.user, "version": "1.00", "request": []map[string]any{{
		"requesttypedescriptions": []string{"AUTH"}, "requestreference": reference, "sitereference": l.shop.Site,
		"accounttypedescription": "ECOM", "parenttransactionreference": l.shop.Stored, "baseamount": strconv.Itoa(amount),
		"currencyiso3a": "GBP", "orderreference": reference, "credentialsonfile": "2", "initiationreason": "C", "settlestatus": "2",
	}}})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(l.user, l.secret)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	res, err := l.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	var got struct {
		Response []struct {
			ErrorCode string `json:"errorcode"`
			Reference string `json:"transactionreference"`
		} `json:"response"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return "", err
	}
	if len(got.Response) != 1 || got.Response[0].ErrorCode != "0" || got.Response[0].Reference == "" {
		return "", fmt.Errorf("the simulator answered %s", answer)
	}
	return string(answer), nil
}

// load is what a run of many came to.
type load struct {
	n     int
	took  time.Duration
	times []time.Duration // of each
}

func (l load) rate() float64 { return float64(l.n) / l.took.Seconds() }

// drive does n things, so many at a time, and stops at the first error. Each
// gives the time that counts for it.
func drive(now func() time.Time, n, concurrency int, do func(i int) (time.Duration, error)) (load, error) {
	l := load{n: n, times: make([]time.Duration, n)}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	began := now()
	for range concurrency {
		all.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				took, err := do(i)
				if err != nil {
					failed.CompareAndSwap(nil, &err)
				}
				l.times[i] = took
			}
		})
	}
	all.Wait()
	l.took = now().Sub(began)
	if err := failed.Load(); err != nil {
		return l, *err
	}
	return l, nil
}
