package restoredb

import (
	"database/sql"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/shared/payment"
)

type environmentRow struct {
	OnlyRow        int64     `gorm:"column:only_row;primaryKey;autoIncrement:false"`
	DatabaseID     string    `gorm:"column:database_id"`
	Name           string    `gorm:"column:name"`
	Kind           string    `gorm:"column:kind"`
	KeyFingerprint string    `gorm:"column:key_fingerprint"`
	Epoch          int64     `gorm:"column:epoch"`
	BoundAt        time.Time `gorm:"column:bound_at"`
	BoundBy        string    `gorm:"column:bound_by"`
}

func (environmentRow) TableName() string { return "environment" }

func (r environmentRow) environment() restore.Environment {
	return restore.Environment{
		Database: r.DatabaseID, Name: r.Name, Kind: restore.Kind(r.Kind), Fingerprint: r.KeyFingerprint, Epoch: r.Epoch,
		BoundAt: r.BoundAt.UTC(), BoundBy: r.BoundBy,
	}
}

type hostRow struct {
	ID        string       `gorm:"column:id;primaryKey;autoIncrement:false"`
	Owner     string       `gorm:"column:owner"`
	StartedAt time.Time    `gorm:"column:started_at"`
	SeenAt    time.Time    `gorm:"column:seen_at"`
	StoppedAt sql.NullTime `gorm:"column:stopped_at"`
}

func (hostRow) TableName() string { return "hosts" }

type counterRow struct {
	HostID  string `gorm:"column:host_id;primaryKey;autoIncrement:false"`
	Lane    int64  `gorm:"column:lane;primaryKey;autoIncrement:false"`
	Commits int64  `gorm:"column:commits"`
}

func (counterRow) TableName() string { return "commit_counters" }

type restoreRow struct {
	ID         string       `gorm:"column:id;primaryKey;autoIncrement:false"`
	FoundAt    time.Time    `gorm:"column:found_at"`
	FoundBy    string       `gorm:"column:found_by"`
	Text       string       `gorm:"column:text"`
	SweptFrom  sql.NullTime `gorm:"column:swept_from"`
	SweptUntil sql.NullTime `gorm:"column:swept_until"`
	LiftedAt   sql.NullTime `gorm:"column:lifted_at"`
	LiftedBy   string       `gorm:"column:lifted_by"`
}

func (restoreRow) TableName() string { return "restores" }

func (r restoreRow) restore() restore.Restore {
	return restore.Restore{
		ID: r.ID, FoundAt: r.FoundAt.UTC(), FoundBy: r.FoundBy, Text: r.Text, SweptFrom: moment(r.SweptFrom), SweptUntil: moment(r.SweptUntil),
		LiftedAt: moment(r.LiftedAt), LiftedBy: r.LiftedBy,
	}
}

type siteRow struct {
	RestoreID     string       `gorm:"column:restore_id;primaryKey;autoIncrement:false"`
	SiteKey       string       `gorm:"column:site_key;primaryKey;autoIncrement:false"`
	SweptFrom     time.Time    `gorm:"column:swept_from"`
	SweptUntil    time.Time    `gorm:"column:swept_until"`
	Found         int64        `gorm:"column:found"`
	Adopted       int64        `gorm:"column:adopted"`
	Kept          int64        `gorm:"column:kept"`
	Others        int64        `gorm:"column:others"`
	DoneAt        sql.NullTime `gorm:"column:done_at"`
	WithoutAt     sql.NullTime `gorm:"column:without_at"`
	WithoutBy     string       `gorm:"column:without_by"`
	WithoutReason string       `gorm:"column:without_reason"`
}

func (siteRow) TableName() string { return "restore_sites" }

func (r siteRow) progress() restore.Progress {
	return restore.Progress{
		RestoreID: r.RestoreID, Key: r.SiteKey, From: r.SweptFrom.UTC(), Until: r.SweptUntil.UTC(), Found: r.Found, Adopted: r.Adopted,
		Kept: r.Kept, Others: r.Others, DoneAt: moment(r.DoneAt), WithoutAt: moment(r.WithoutAt), WithoutBy: r.WithoutBy, WithoutReason: r.WithoutReason,
	}
}

func fromProgress(p restore.Progress) siteRow {
	return siteRow{
		RestoreID: p.RestoreID, SiteKey: p.Key, SweptFrom: utc(p.From), SweptUntil: utc(p.Until), Found: p.Found, Adopted: p.Adopted,
		Kept: p.Kept, Others: p.Others, DoneAt: nullable(p.DoneAt), WithoutAt: nullable(p.WithoutAt), WithoutBy: p.WithoutBy, WithoutReason: p.WithoutReason,
	}
}

type keptRow struct {
	Endpoint      string       `gorm:"column:endpoint;primaryKey;autoIncrement:false"`
	Site          string       `gorm:"column:site;primaryKey;autoIncrement:false"`
	TransactionID string       `gorm:"column:transaction_id;primaryKey;autoIncrement:false"`
	RestoreID     string       `gorm:"column:restore_id"`
	Plugin        string       `gorm:"column:plugin"`
	Reference     string       `gorm:"column:reference"`
	Stem          string       `gorm:"column:stem"`
	Parent        string       `gorm:"column:parent"`
	User          string       `gorm:"column:user"`
	Mode          string       `gorm:"column:mode"`
	AmountMinor   int64        `gorm:"column:amount_minor"`
	Currency      string       `gorm:"column:currency"`
	Status        string       `gorm:"column:status"`
	Outcome       string       `gorm:"column:outcome"`
	StartedAt     sql.NullTime `gorm:"column:started_at"`
	KeptAt        time.Time    `gorm:"column:kept_at"`
}

func (keptRow) TableName() string { return "kept_transactions" }

func (r keptRow) kept() restore.Kept {
	return restore.Kept{
		RestoreID: r.RestoreID, Plugin: r.Plugin, Place: charge.Place{Endpoint: r.Endpoint, Site: r.Site}, Stem: r.Stem, At: r.KeptAt.UTC(),
		Transaction: payment.Transaction{
			ID: payment.TransactionID(r.TransactionID), Parent: payment.TransactionID(r.Parent), Reference: payment.Reference(r.Reference),
			Kind: payment.KindAuthorisation, Amount: payment.Amount{Minor: r.AmountMinor, Currency: r.Currency}, Status: payment.Status(r.Status),
			Outcome: payment.Outcome(r.Outcome), Site: r.Site, User: r.User, Mode: payment.Mode(r.Mode), StartedAt: moment(r.StartedAt),
		},
	}
}

func fromKept(k restore.Kept) keptRow {
	t := k.Transaction
	return keptRow{
		Endpoint: k.Place.Endpoint, Site: k.Place.Site, TransactionID: string(t.ID), RestoreID: k.RestoreID, Plugin: k.Plugin,
		Reference: string(t.Reference), Stem: k.Stem, Parent: cut(string(t.Parent), 25), User: cut(t.User, 255), Mode: cut(string(t.Mode), 32),
		AmountMinor: t.Amount.Minor, Currency: cut(t.Amount.Currency, 8), Status: cut(string(t.Status), 32), Outcome: cut(string(t.Outcome), 32),
		StartedAt: nullable(t.StartedAt), KeptAt: utc(k.At),
	}
}

func nullable(t time.Time) sql.NullTime { return sql.NullTime{Time: utc(t), Valid: !t.IsZero()} }

func moment(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// utc cuts to the microseconds that the databases keep.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// cut makes what a gateway sent fit its column.
func cut(s string, most int) string {
	if len(s) > most {
		return s[:most]
	}
	return s
}
