package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/hashicorp/go-hclog"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

const (
	// dialTimeout and ioTimeout hold where the DSN has no timeout, readTimeout or
	// writeTimeout. The read timeout bounds the wait for a COMMIT's answer, which no
	// context ends.
	dialTimeout = 5 * time.Second
	ioTimeout   = 30 * time.Second

	// lockWait is how long a statement waits for a row lock before the transaction
	// is repeated; the server's default of 50 s is longer than a transaction may take.
	lockWait = 5
)

func openMySQL(ctx context.Context, config Config) (*DB, error) {
	settings, err := parseDSN(config.DSN)
	if err != nil {
		return nil, err
	}
	settings.Logger = driverLogger{config.Logger}
	connector, err := mysql.NewConnector(settings)
	if err != nil {
		return nil, fmt.Errorf("mysql %s: %w", describeDSN(config.DSN), err)
	}
	pool := sql.OpenDB(isolated{connector})
	pool.SetMaxOpenConns(config.MaxOpen)
	pool.SetMaxIdleConns(config.MaxIdle)
	pool.SetConnMaxLifetime(config.ConnMaxLifetime)

	db := &DB{config: config, pools: []*sql.DB{pool}}
	// GORM asks for the server's version without a context, so the way is tried first.
	err = pool.PingContext(ctx)
	if err == nil {
		db.write, err = db.openGORM(newMySQLDialector(pool), true)
	}
	if err == nil {
		db.read, err = db.openGORM(newMySQLDialector(pool), true)
	}
	if err == nil {
		err = refuseWrites(db.read)
	}
	if err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("mysql %s: %w", describeDSN(config.DSN), translate(err))
	}
	return db, nil
}

// parseDSN reads a DSN and sets what the product depends on.
func parseDSN(dsn string) (*mysql.Config, error) {
	settings, err := mysql.ParseDSN(dsn)
	if err != nil {
		// The parser's text can quote a piece of the password.
		return nil, errors.New("the DSN cannot be read: write user:password@tcp(host:3306)/name?parameter=value, with special characters in values percent-encoded")
	}
	switch {
	case settings.DBName == "":
		return nil, errors.New("the DSN names no database: write user:password@tcp(host:3306)/name")
	case settings.MultiStatements:
		return nil, errors.New("the DSN sets multiStatements, which lets one faulty query run others: remove it")
	case settings.AllowAllFiles:
		return nil, errors.New("the DSN sets allowAllFiles, which lets the server read the host's files: remove it")
	}

	settings.ParseTime = true
	settings.Loc = time.UTC
	// A conditional UPDATE must tell "not found" from "already so".
	settings.ClientFoundRows = true
	// One round trip a statement instead of three.
	settings.InterpolateParams = true
	settings.CheckConnLiveness = true
	if settings.Timeout == 0 {
		settings.Timeout = dialTimeout
	}
	if settings.ReadTimeout == 0 {
		settings.ReadTimeout = ioTimeout
	}
	if settings.WriteTimeout == 0 {
		settings.WriteTimeout = ioTimeout
	}
	if settings.ConnectionAttributes == "" {
		settings.ConnectionAttributes = "program_name:chargehand"
	}
	if settings.Params == nil {
		settings.Params = map[string]string{}
	}
	for name := range settings.Params {
		switch strings.ToLower(name) {
		case "time_zone", "sql_mode", "innodb_lock_wait_timeout", "tx_isolation", "transaction_isolation", "autocommit":
			delete(settings.Params, name)
		}
	}
	settings.Params["time_zone"] = "'+00:00'"
	// Refuse what does not fit instead of cutting it off.
	settings.Params["sql_mode"] = "'TRADITIONAL'"
	settings.Params["innodb_lock_wait_timeout"] = fmt.Sprint(lockWait)
	settings.Params["autocommit"] = "1"
	// Cut times as they are stored; the server would round them up, into the future.
	if err := settings.Apply(mysql.TimeTruncate(time.Microsecond)); err != nil {
		return nil, fmt.Errorf("set the precision of times: %w", err)
	}
	return settings, nil
}

// describeDSN names the server and the database, without user and password.
func describeDSN(dsn string) string {
	settings, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "(unreadable DSN)"
	}
	return fmt.Sprintf("%s(%s)/%s", settings.Net, settings.Addr, settings.DBName)
}

// isolated sets READ COMMITTED on each new connection. The variable has different
// names on MySQL and MariaDB, so it cannot stand in the DSN; naming the level at
// each BEGIN would cost a round trip each.
type isolated struct{ driver.Connector }

func (c isolated) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	exec, ok := conn.(driver.ExecerContext)
	if !ok {
		_ = conn.Close()
		return nil, errors.New("the MySQL driver's connection cannot execute statements")
	}
	if _, err := exec.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// mysqlDialector adds this package's error translation.
type mysqlDialector struct{ *gormmysql.Dialector }

func newMySQLDialector(pool *sql.DB) mysqlDialector {
	return mysqlDialector{&gormmysql.Dialector{Config: &gormmysql.Config{Conn: pool}}}
}

// Translate implements gorm.ErrorTranslator.
func (mysqlDialector) Translate(err error) error { return translate(err) }

var _ gorm.ErrorTranslator = mysqlDialector{}

// driverLogger takes the driver's notes about broken connections, which otherwise
// go to standard error. The error itself reaches the caller.
type driverLogger struct{ hclog.Logger }

func (l driverLogger) Print(v ...any) { l.Debug("mysql driver", "note", fmt.Sprint(v...)) }
