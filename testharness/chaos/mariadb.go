package chaos

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/chargehand/chargehand/testharness/stand"
)

// ErrNoServer means that no MariaDB is installed here.
var ErrNoServer = errors.New("mariadbd and mariadb-install-db are not there: install mariadb-server (10.6 or later), or run with --database sqlite")

// mariadb is a private server. It listens on a socket in its folder alone: the
// hosts come to it through their links.
type mariadb struct {
	server   string
	dir      string // everything but the data
	data     string
	as       string // the user it runs as; empty for our own
	uid      int    // of that user
	password string
	env      []string
}

const databaseName = "chargehand"

// program finds a program of the server, which may lie where only root looks.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", ErrNoServer
}

// HasServer tells why there is no MariaDB to run with; nil if there is one.
func HasServer() error {
	for _, name := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := program(name); err != nil {
			return err
		}
	}
	return nil
}

// newMariaDB makes an empty server in a folder, its data in another.
func newMariaDB(ctx context.Context, dir, data string, env []string) (*mariadb, error) {
	m := &mariadb{dir: dir, data: filepath.Join(data, "mariadb"), password: rand.Text(), env: env}
	var err error
	if m.server, err = program("mariadbd"); err != nil {
		return nil, err
	}
	install, err := program("mariadb-install-db")
	if err != nil {
		return nil, err
	}
	if err := m.own(dir, data); err != nil {
		return nil, err
	}
	args := append([]string{"--no-defaults", "--datadir=" + m.data, "--auth-root-authentication-method=socket", "--skip-test-db"}, m.identity()...)
	if _, err := stand.Run(ctx, install, env, args...); err != nil {
		return nil, fmt.Errorf("make a database server: %w", err)
	}
	init := fmt.Sprintf("CREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8mb4;\n"+
		"CREATE USER IF NOT EXISTS chargehand@localhost IDENTIFIED BY '%s';\nGRANT ALL PRIVILEGES ON %s.* TO chargehand@localhost;\n",
		databaseName, m.password, databaseName)
	if err := os.WriteFile(m.initFile(), []byte(init), 0o644); err != nil { //nolint:gosec // the server reads it as another user
		return nil, fmt.Errorf("make a database server: %w", err)
	}
	return m, nil
}

// own gives the folders to the user that the server runs as: it refuses to be
// root.
func (m *mariadb) own(dirs ...string) error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"mysql", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			continue
		}
		m.as, m.uid = name, uid
		for _, dir := range dirs {
			if err := errors.Join(os.Chown(dir, uid, -1), os.Chmod(dir, 0o755)); err != nil { //nolint:gosec // the folders hold a server for one run
				return fmt.Errorf("give the database its folder: %w", err)
			}
		}
		return nil
	}
	return errors.New("the database server can't run as root, and there is neither a user mysql nor nobody")
}

func (m *mariadb) identity() []string {
	if m.as == "" {
		return nil
	}
	return []string{"--user=" + m.as}
}

func (m *mariadb) initFile() string { return filepath.Join(m.dir, "init.sql") }
func (m *mariadb) socket() string   { return filepath.Join(m.dir, "s") }

// launch starts the server, as durable as a real one.
func (m *mariadb) launch() (*stand.Process, error) {
	args := append([]string{
		"--no-defaults", "--datadir=" + m.data, "--init-file=" + m.initFile(), "--skip-networking", "--socket=" + m.socket(),
		"--pid-file=" + filepath.Join(m.dir, "pid"), "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=128M",
		"--innodb-log-file-size=32M", "--skip-log-bin", "--max-connections=400",
		// Writes that the kernel still has in hand for a server that was killed must
		// not land in the files of the next one.
		"--innodb-use-native-aio=0",
	}, m.identity()...)
	return stand.Start(m.dir, "mariadb", m.server, append(m.env, "TMPDIR="+m.dir), args...)
}

// dsn is the way to it through a link.
func (m *mariadb) dsn(address string) string {
	return "chargehand:" + m.password + "@tcp(" + address + ")/" + databaseName
}

// ready asks whether the server answers a statement.
func (m *mariadb) ready(ctx context.Context) error {
	c, err := mysql.NewConnector(&mysql.Config{
		User: "chargehand", Passwd: m.password, Net: "unix", Addr: m.socket(), DBName: databaseName,
		AllowNativePasswords: true, Timeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second, Logger: &mysql.NopLogger{},
	})
	if err != nil {
		return fmt.Errorf("database server: %w", err)
	}
	db := sql.OpenDB(c)
	defer db.Close()
	return db.PingContext(ctx)
}
