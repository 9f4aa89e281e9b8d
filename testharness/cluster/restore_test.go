package cluster

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/host/restore/restoredb"
)

// balancer leads a host to one node, and later to another, as what stands
// between hosts and a cluster does.
type balancer struct {
	mu    sync.Mutex
	node  string // its address
	conns []net.Conn
}

// through gives a DSN that leads through the balancer, for now to that node.
func through(t *testing.T, dsn string) (*balancer, string) {
	t.Helper()
	b := &balancer{}
	config, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	b.node = config.Addr
	config.Net = strings.ReplaceAll(t.Name(), "/", "-")
	mysql.RegisterDialContext(config.Net, b.dial)
	t.Cleanup(func() { mysql.DeregisterDialContext(config.Net) })
	return b, config.FormatDSN()
}

func (b *balancer) dial(ctx context.Context, _ string) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", b.node)
	if err == nil {
		b.conns = append(b.conns, conn)
	}
	return conn, err
}

// turn leads to another node from now on.
func (b *balancer) turn(t *testing.T, dsn string) {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.node = config.Addr
	for _, c := range b.conns {
		_ = c.Close()
	}
	b.conns = nil
}

// count commits transactions that a watch counts, until all its counters have
// gone on. It says whether charging might go on in each of them.
func count(t *testing.T, db *database.DB, w *restore.Watch) bool {
	t.Helper()
	counter, all := restoredb.NewCounter(w), true
	for range restore.Lanes {
		require.NoError(t, counter.Count(t.Context(), func(mark func(*gorm.DB) (bool, error)) error {
			return db.Tx(t.Context(), func(tx *gorm.DB) error {
				open, err := mark(tx)
				all = all && open
				return err
			})
		}))
	}
	return all
}

// A host is led from one node to another that lags behind by more than any
// grace. It charges nothing while the node is behind, says that it can't tell
// what that is, takes it for no restore, and goes on when the node has caught up.
func TestNodeThatLagsIsNoRestore(t *testing.T) {
	t.Parallel()
	dsns := nodes(t)
	way, dsn := through(t, dsns[0])
	db := open(t, dsn)
	store := restoredb.New(db)
	_, err := store.Bind(t.Context(), restore.Environment{Name: "test", Kind: restore.KindTest, BoundAt: time.Now(), BoundBy: "test"})
	require.NoError(t, err)
	file, err := restore.OpenFile(filepath.Join(t.TempDir(), "state"), database.LockFile)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	w, err := restore.NewWatch(t.Context(), restore.WatchConfig{
		Store: store, File: file, Owner: "host", Poll: 50 * time.Millisecond, Grace: 100 * time.Millisecond, Now: time.Now, Logger: hclog.NewNullLogger(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { w.Stop(context.Background()) })
	require.True(t, count(t, db, w))
	// The other node knows all that, and then takes nothing in.
	_, err = restoredb.New(open(t, dsns[1])).Latest(t.Context())
	require.NoError(t, err)
	release := hold(t, dsns[1])
	require.True(t, count(t, db, w))

	way.turn(t, dsns[1])
	require.Eventually(t, func() bool { return strings.Contains(w.Stopped(), "can't be read") }, patience, 10*time.Millisecond)
	require.True(t, w.RestoredAt().IsZero())
	release()
	require.Eventually(t, func() bool { return w.Stopped() == "" }, patience, 10*time.Millisecond)
	require.True(t, count(t, db, w))
	require.True(t, w.RestoredAt().IsZero())
	first := restoredb.New(open(t, dsns[0]))
	all, err := first.Restores(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)

	// The control: a cluster whose counters went back on all nodes was put back.
	require.NoError(t, db.Tx(t.Context(), func(tx *gorm.DB) error { return tx.Exec("UPDATE commit_counters SET commits = commits - 1").Error }))
	require.Eventually(t, func() bool { return !w.RestoredAt().IsZero() }, patience, 10*time.Millisecond)
	require.Contains(t, w.Stopped(), "chargehand restored --since")
	state, err := first.Latest(t.Context())
	require.NoError(t, err)
	require.NotNil(t, state.Open, "every host of the cluster knows")
}
