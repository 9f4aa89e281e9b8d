package database_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// What a proxy does with the next COMMIT.
const (
	passCommit     int32 = iota
	cutBeforeSend        // the server never gets it
	cutBeforeReply       // the server gets it and commits; the reply is lost
	holdSilently         // it arrives nowhere, and the connection stays open
)

// proxy stands between the host and a MySQL server, and breaks connections.
type proxy struct {
	listener net.Listener
	server   string
	commit   atomic.Int32

	mu    sync.Mutex
	conns []net.Conn
	wait  sync.WaitGroup
}

// newProxy returns a proxy before an empty database of the test server, and the
// DSN that leads through it.
func newProxy(t *testing.T) (*proxy, string) {
	t.Helper()
	settings, err := mysql.ParseDSN(databasetest.EmptyMySQL(t))
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, server: settings.Addr}
	p.wait.Go(p.accept)
	t.Cleanup(p.close)
	settings.Net, settings.Addr = "tcp", listener.Addr().String()
	return p, settings.FormatDSN()
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.cut()
	p.wait.Wait()
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.wait.Go(func() { p.forward(client, server) })
		p.wait.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
	}
}

// forward passes the client's packets on and looks for COMMIT.
func (p *proxy) forward(client, server net.Conn) {
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		action := passCommit
		if bytes.HasSuffix(buffer[:n], []byte("\x03COMMIT")) {
			action = p.commit.Swap(passCommit)
		}
		switch action {
		case cutBeforeSend:
			_ = client.Close()
			return
		case holdSilently:
			continue
		case cutBeforeReply:
			_ = client.Close()
			_, _ = server.Write(buffer[:n])
			// The server has committed when it answers; its answer goes nowhere.
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// readBack looks for a row as a caller must after ErrCommitUnknown: with a locking
// read, which waits for a commit that is under way.
func readBack(t *testing.T, db *database.DB, id int64) int {
	t.Helper()
	var found []item
	require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error {
		return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Find(&found, id).Error
	}))
	return len(found)
}

func TestErrCommitUnknown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		action int32
		stands int
	}{
		{"NotCommitted", cutBeforeSend, 0},
		{"Committed", cutBeforeReply, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, dsn := newProxy(t)
			db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
			createItems(t, db)

			p.commit.Store(c.action)
			tries := 0
			err := db.Tx(context.Background(), func(tx *gorm.DB) error {
				tries++
				row := newItem(1)
				return tx.Create(&row).Error
			})
			require.ErrorIs(t, err, database.ErrCommitUnknown)
			require.ErrorContains(t, err, "read it back before trying again")
			require.Equal(t, 1, tries, "an uncertain transaction must not be repeated")
			require.Equal(t, c.stands, readBack(t, db, 1))
		})
	}
}

func TestErrCommitUnknownWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	p, dsn := newProxy(t)
	// The read timeout is what ends the wait for an answer that never comes.
	// The transaction's own limit is over by then, and must not hide the doubt.
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn + "?readTimeout=400ms", TxTimeout: 200 * time.Millisecond})
	p.commit.Store(holdSilently)
	err := db.Tx(context.Background(), func(*gorm.DB) error { return nil })
	require.ErrorIs(t, err, database.ErrCommitUnknown)
	require.NotErrorIs(t, err, database.ErrBusy)
}

func TestErrUnavailableWithinTransaction(t *testing.T) {
	t.Parallel()
	p, dsn := newProxy(t)
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
	createItems(t, db)
	err := db.Tx(context.Background(), func(tx *gorm.DB) error {
		row := newItem(1)
		require.NoError(t, tx.Create(&row).Error)
		p.cut()
		row = newItem(2)
		return tx.Create(&row).Error
	})
	require.ErrorIs(t, err, database.ErrUnavailable)
	require.NotErrorIs(t, err, database.ErrCommitUnknown, "COMMIT was never sent")
	require.Zero(t, count(t, db), "the pool must recover by itself")
}

func TestErrUnavailableServerGone(t *testing.T) {
	t.Parallel()
	p, dsn := newProxy(t)
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
	p.close()
	require.ErrorIs(t, db.Ping(context.Background()), database.ErrUnavailable)
	clock := database.NewClock(db, database.ClockConfig{})
	require.ErrorIs(t, clock.Start(context.Background()), database.ErrUnavailable)
	require.ErrorIs(t, clock.Check(), database.ErrUnavailable)
	require.ErrorIs(t, insert(db, newItem(1)), database.ErrUnavailable)
	require.ErrorIs(t, database.CheckSchema(context.Background(), db), database.ErrUnavailable)
}

func TestKilledConnection(t *testing.T) {
	t.Parallel()
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: databasetest.EmptyMySQL(t)})
	createItems(t, db)
	err := db.Tx(context.Background(), func(tx *gorm.DB) error {
		row := newItem(1)
		require.NoError(t, tx.Create(&row).Error)
		var id int64
		require.NoError(t, tx.Raw("SELECT CONNECTION_ID()").Row().Scan(&id))
		return db.Tx(context.Background(), func(other *gorm.DB) error { return other.Exec("KILL ?", id).Error })
	})
	// The host can't know that the server had dropped the transaction before COMMIT came.
	require.ErrorIs(t, err, database.ErrCommitUnknown)
	require.Zero(t, readBack(t, db, 1))
}
