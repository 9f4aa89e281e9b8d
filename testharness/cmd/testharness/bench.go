package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/bench"
)

type benchCommand struct {
	Bin    string `type:"path" placeholder:"DIR" help:"Folder with chargehand, testharness and plugins; that of this program if left out."`
	Only   string `enum:",mariadb,sqlite,flood,waiting" default:"" help:"Measure one part alone: mariadb, sqlite, flood or waiting."`
	Quick  bool   `help:"A few seconds for each part: shows that it works, too short for figures to be compared."`
	Orders int    `help:"Orders that one round sends through the host (8000, 1500 if quick)."`
	JSON   bool   `name:"json" help:"Print the summary alone; people read along on standard error."`
	MySQL  string `name:"mysql" env:"CHARGEHAND_TEST_MYSQL_DSN" placeholder:"DSN" help:"Server to make databases on, and drop them: user:password@tcp(host:3306)/name."`
}

// Help is shown by --help.
func (*benchCommand) Help() string {
	return `Starts simulator, host and plugin, and measures charges per second beside a bare loop on MariaDB and SQLite, a small
company beside another's flood, and the memory that waiting orders take. Takes about five minutes.

Example:
  testharness bench --quick
  testharness bench --only sqlite --orders 20000`
}

// Run measures.
func (c *benchCommand) Run(ctx context.Context, k *kong.Kong) error {
	if c.Orders < 0 {
		return fmt.Errorf("--orders is %d; it must be more than zero", c.Orders)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the folder of this program: %w; name it with --bin", err)
	}
	cfg := bench.Config{
		Bin: cmp.Or(c.Bin, filepath.Dir(self)), Only: c.Only, Quick: c.Quick, Orders: c.Orders, MySQL: c.MySQL,
		Out: k.Stdout, Report: k.Stdout, Now: time.Now,
	}
	if c.JSON {
		cfg.Report = k.Stderr
	}
	return bench.Run(ctx, cfg)
}
