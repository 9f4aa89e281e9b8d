package cluster

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
)

const envDSNs = "CHARGEHAND_TEST_GALERA_DSNS"

// patience is how long a test waits for what must come. It is never waited out
// where the code is right.
const patience = 3 * time.Minute

// alone lets one test at a time have the cluster: one of them takes it apart.
var alone sync.Mutex

// nodes makes an empty database on the cluster, and gives its DSN on each node.
func nodes(t *testing.T) []string {
	t.Helper()
	given := os.Getenv(envDSNs)
	if given == "" {
		t.Skip("Galera not tested: run make cluster, or set " + envDSNs + " to the DSNs of three nodes, with commas between them")
	}
	alone.Lock()
	t.Cleanup(alone.Unlock)
	name := "chargehand_cluster_" + strings.ToLower(rand.Text()[:12])
	var dsns []string
	for dsn := range strings.SplitSeq(given, ",") {
		config, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		config.DBName = name
		dsns = append(dsns, config.FormatDSN())
	}
	require.Len(t, dsns, 3, envDSNs)
	for _, dsn := range dsns {
		synced(t, dsn) // the test before may have killed it
	}
	server := connect(t, dsns[0], "")
	_, err := server.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := server.Exec("DROP DATABASE " + name)
		require.NoError(t, err)
		require.NoError(t, server.Close())
	})
	db := open(t, dsns[0])
	require.NoError(t, database.Migrate(t.Context(), db))
	// A change of the schema is done on all nodes at once; that it has arrived is
	// what the others' hosts check when they start.
	for _, dsn := range dsns[1:] {
		other := open(t, dsn)
		require.Eventually(t, func() bool { return database.CheckSchema(t.Context(), other) == nil }, patience, 10*time.Millisecond)
	}
	return dsns
}

func open(t *testing.T, dsn string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{Driver: database.DriverMySQL, DSN: dsn, MaxOpen: 12})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// connect opens a node past the product.
func connect(t *testing.T, dsn, database string) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	config.DBName = database
	server, err := sql.Open("mysql", config.FormatDSN())
	require.NoError(t, err)
	return server
}

// synced waits until a node is part of the cluster.
func synced(t *testing.T, dsn string) {
	t.Helper()
	server := connect(t, dsn, "")
	defer server.Close()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var name, state string
		err := server.QueryRowContext(ctx, "SHOW STATUS LIKE 'wsrep_local_state_comment'").Scan(&name, &state)
		return err == nil && state == "Synced"
	}, patience, 100*time.Millisecond, "the node is part of the cluster")
}

// process is the number of a node's process.
func process(t *testing.T, dsn string) int {
	t.Helper()
	server := connect(t, dsn, "")
	defer server.Close()
	var file string
	require.NoError(t, server.QueryRow("SELECT @@pid_file").Scan(&file))
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	require.NoError(t, err)
	return pid
}

// kill ends a node as a power cut does.
func kill(t *testing.T, dsn string) {
	t.Helper()
	require.NoError(t, syscall.Kill(process(t, dsn), syscall.SIGKILL))
}

// hold stops a node from applying what the others write, until the function is
// called: it lags behind.
func hold(t *testing.T, dsn string) (release func()) {
	t.Helper()
	server := connect(t, dsn, "")
	conn, err := server.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK")
	require.NoError(t, err)
	var once sync.Once
	release = func() {
		once.Do(func() {
			_, err := conn.ExecContext(context.Background(), "UNLOCK TABLES")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			require.NoError(t, server.Close())
		})
	}
	t.Cleanup(release)
	return release
}
