package crash

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chargehand/chargehand/testharness/stand"
)

// database is what a run works on: a copy of the template.
type database struct {
	settings map[string]any
	beside   *stand.Host
	free     func()
}

func (k *kit) database(ctx context.Context, driver, dir string) (database, error) {
	if driver == "sqlite" {
		err := os.WriteFile(filepath.Join(dir, databaseFile), k.sqlite.content, 0o600)
		return database{settings: inFile(dir), beside: k.sqlite.host, free: func() {}}, err
	}
	name := <-k.spare
	return database{settings: k.onServer(name), beside: k.server.host, free: func() { k.spare <- name }}, k.fill(ctx, name)
}

// fill makes a database's content that of the template, whatever was in it.
func (k *kit) fill(ctx context.Context, name string) error {
	// Of one connection, since what is set holds for that alone.
	conn, err := k.admin.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tables, err := k.tables(ctx, conn)
	if err != nil {
		return err
	}
	statements := []string{"SET foreign_key_checks = 0", "BEGIN"}
	for _, t := range tables {
		statements = append(statements,
			fmt.Sprintf("DELETE FROM %s.%s", name, t),
			fmt.Sprintf("INSERT INTO %s.%s SELECT * FROM %s.%s", name, t, k.server.name, t))
	}
	return all(ctx, conn, append(statements, "COMMIT", "SET foreign_key_checks = 1")...)
}

// makeSpare makes a database with the template's tables, if there is a server.
func (k *kit) makeSpare(ctx context.Context) error {
	if k.server == nil {
		return nil
	}
	name, err := k.create(ctx)
	if err != nil {
		return err
	}
	conn, err := k.admin.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tables, err := k.tables(ctx, conn)
	if err != nil {
		return err
	}
	if err := all(ctx, conn, "SET foreign_key_checks = 0", "USE "+name); err != nil {
		return err
	}
	for _, t := range tables {
		var same, create string
		if err := conn.QueryRowContext(ctx, fmt.Sprintf("SHOW CREATE TABLE %s.%s", k.server.name, t)).Scan(&same, &create); err != nil {
			return err
		}
		if err := all(ctx, conn, create); err != nil {
			return err
		}
	}
	k.spare <- name
	return all(ctx, conn, "SET foreign_key_checks = 1")
}

func (k *kit) tables(ctx context.Context, conn *sql.Conn) ([]string, error) {
	rows, err := conn.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'", k.server.name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

func all(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
