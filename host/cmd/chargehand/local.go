package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/host/app"
	"github.com/chargehand/chargehand/host/config"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// configFlags say where the configuration is. Single keys can be set by name.
type configFlags struct {
	ConfigFile string            `name:"config" short:"c" help:"Configuration file (YAML)." env:"CHARGEHAND_CONFIG" type:"path" placeholder:"FILE"`
	Set        map[string]string `help:"Set a key of the configuration, over file and environment." placeholder:"KEY=VALUE"`
}

func (f configFlags) load() (config.Config, error) {
	overrides := map[string]any{}
	for k, v := range f.Set {
		overrides[k] = v
	}
	return config.Load(f.ConfigFile, overrides, config.Environ)
}

func logger(cfg config.Config) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: "chargehand", Level: hclog.LevelFromString(cfg.LogLevel), JSONFormat: true, Output: os.Stderr,
	})
}

type serveCmd struct {
	configFlags
}

func (serveCmd) Help() string { return "Example: chargehand serve --config chargehand.yaml" }

// Run implements the command.
func (s serveCmd) Run() error {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	cfg.PluginLauncher = confine.Self()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := logger(cfg)
	host, err := app.Start(ctx, cfg, version, log)
	if err != nil {
		return err
	}
	var failed error
	select {
	case <-ctx.Done():
		log.Info("stopping; a second signal ends at once, and leaves what is in flight in doubt")
	case failed = <-host.Failed():
	}
	stop() // from here on a signal does what it always does
	limited, cancel := context.WithTimeout(context.Background(), cfg.StopWithin)
	defer cancel()
	host.Stop(limited)
	return failed
}

type migrateCmd struct {
	configFlags
}

func (migrateCmd) Help() string { return "Example: chargehand migrate --config chargehand.yaml" }

// Run implements the command.
func (m migrateCmd) Run() error {
	cfg, err := m.load()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := app.OpenDatabase(ctx, cfg, logger(cfg))
	if err != nil {
		return err
	}
	return errors.Join(database.Migrate(ctx, db), db.Close())
}

type configCmd struct {
	configFlags
	Keys bool `help:"List every key with its meaning instead."`
}

func (configCmd) Help() string {
	return "What is in force is always printed as JSON, the list of keys with --json.\n\nExample: chargehand config --config chargehand.yaml"
}

// Run implements the command.
func (f configCmd) Run(c *cli) error {
	if f.Keys {
		return c.show(config.Keys(), func() { fmt.Print(config.Manual()) })
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	return printJSON(cfg.Redacted())
}

type keyCmd struct {
	New    keyNewCmd    `cmd:"" help:"Write a new key file, for the master key or the reference key."`
	Create keyCreateCmd `cmd:"" help:"Create a platform API key in the database, and print it once."`
	List   keyListCmd   `cmd:"" help:"List API keys over the API, without their secrets."`
	Revoke keyRevokeCmd `cmd:"" help:"Revoke an API key over the API."`
}

type keyNewCmd struct {
	File string `arg:"" help:"File to write; it must not be there yet." type:"path"`
}

func (keyNewCmd) Help() string { return "Example: chargehand key new /etc/chargehand/master.key" }

// Run implements the command.
func (k keyNewCmd) Run() error {
	_, err := settings.CreateMasterKeyFile(k.File) // every key is 32 random bytes in base64
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; a key that was used must not be overwritten", k.File)
	}
	return err
}

type keyCreateCmd struct {
	configFlags
	Platform bool   `required:"" help:"A key of the platform, which may do everything. Companies' keys are made over the API."`
	Name     string `required:"" help:"What the key is for; it stands in the records of what it does."`
}

func (keyCreateCmd) Help() string {
	return "On SQLite the host must not be running meanwhile.\n\nExample: chargehand key create --platform --name shop-platform --config chargehand.yaml"
}

// Run implements the command.
func (k keyCreateCmd) Run() error {
	cfg, err := k.load()
	if err != nil {
		return err
	}
	ctx := context.Background()
	db, err := app.OpenDatabase(ctx, cfg, logger(cfg))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := database.CheckSchema(ctx, db); err != nil {
		return err
	}
	service, err := app.Settings(cfg, db, nil, noGateways{})
	if err != nil {
		return err
	}
	_, secret, err := service.CreateKey(ctx, settings.System("chargehand key create"), settings.NewKey{Kind: settings.ActorPlatform, Name: k.Name})
	if err != nil {
		return err
	}
	fmt.Println(secret.Reveal())
	return nil
}

// noGateways is for commands that need no plugin.
type noGateways struct{}

// Gateway implements settings.Gateways.
func (noGateways) Gateway(name string) (payment.Gateway, error) {
	return nil, &payment.Error{Kind: payment.ErrorUnavailable, Text: "no plugin runs here: " + name}
}

func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
