package settingsdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

type headRow struct {
	Owner   string `gorm:"primaryKey"`
	OwnerID string `gorm:"primaryKey"`
	Plugin  string `gorm:"primaryKey"`
	Number  int64
}

// TableName names the table.
func (headRow) TableName() string { return "settings_heads" }

type versionRow struct {
	Owner       string `gorm:"primaryKey"`
	OwnerID     string `gorm:"primaryKey"`
	Plugin      string `gorm:"primaryKey"`
	Number      int64  `gorm:"primaryKey;autoIncrement:false"`
	FulfillerID string
	Plain       string
	Sealed      string
	KeyID       sql.NullString
	Changes     string
	Reason      string
	At          time.Time
	ByWhom      string
}

// TableName names the table.
func (versionRow) TableName() string { return "settings_versions" }

func fromVersion(v settings.Version) (versionRow, error) {
	plain, err := json.Marshal(v.Plain)
	if err != nil {
		return versionRow{}, fmt.Errorf("write values: %w", err)
	}
	sealed, err := json.Marshal(v.Sealed)
	if err != nil {
		return versionRow{}, fmt.Errorf("write sealed values: %w", err)
	}
	changes, err := json.Marshal(v.Changes)
	if err != nil {
		return versionRow{}, fmt.Errorf("write changes: %w", err)
	}
	return versionRow{
		Owner: string(v.Scope.Owner), OwnerID: v.Scope.ID, Plugin: v.Scope.Plugin, Number: v.Number, FulfillerID: string(v.Scope.Fulfiller),
		Plain: string(plain), Sealed: string(sealed), KeyID: sql.NullString{String: v.KeyID, Valid: v.KeyID != ""},
		Changes: string(changes), Reason: v.Reason, At: utc(v.At), ByWhom: v.By,
	}, nil
}

func (r versionRow) version() (settings.Version, error) {
	v := settings.Version{
		Scope:  settings.Scope{Owner: payment.Owner(r.Owner), ID: r.OwnerID, Fulfiller: settings.CompanyID(r.FulfillerID), Plugin: r.Plugin},
		Number: r.Number, KeyID: r.KeyID.String, Reason: r.Reason, At: r.At.UTC(), By: r.ByWhom,
	}
	err := errors.Join(
		json.Unmarshal([]byte(r.Plain), &v.Plain),
		json.Unmarshal([]byte(r.Sealed), &v.Sealed),
		json.Unmarshal([]byte(r.Changes), &v.Changes),
	)
	if err != nil {
		return settings.Version{}, fmt.Errorf("version %d of the settings of %s %s is not readable: %w", r.Number, r.Owner, r.OwnerID, err)
	}
	return v, nil
}

// Revision implements settings.VersionStore.
func (s *Store) Revision(ctx context.Context, fulfiller settings.CompanyID, plugin string) (int64, error) {
	var row revisionRow
	err := s.db.Read(ctx).Where("fulfiller_id = ? AND plugin = ?", string(fulfiller), plugin).Limit(1).Find(&row).Error
	return row.Revision, known(err)
}

// Current implements settings.VersionStore.
func (s *Store) Current(ctx context.Context, sc settings.Scope) (settings.Version, error) {
	list, err := s.Versions(ctx, sc, 0, 1)
	if err != nil || len(list) == 0 {
		return settings.Version{Scope: sc}, err
	}
	return list[0], nil
}

// Versions implements settings.VersionStore.
func (s *Store) Versions(ctx context.Context, sc settings.Scope, before int64, limit int) ([]settings.Version, error) {
	q := s.db.Read(ctx).Where("owner = ? AND owner_id = ? AND plugin = ?", string(sc.Owner), sc.ID, sc.Plugin)
	if before > 0 {
		q = q.Where("number < ?", before)
	}
	var rows []versionRow
	if err := q.Order("number DESC").Limit(limit).Find(&rows).Error; err != nil {
		return nil, known(err)
	}
	out := make([]settings.Version, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.version(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// AddVersion implements settings.VersionStore.
func (s *Store) AddVersion(ctx context.Context, v settings.Version, revision int64, uses []settings.CardUse) error {
	row, err := fromVersion(v)
	if err != nil {
		return err
	}
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := move(tx, v.Scope.Fulfiller, v.Scope.Plugin, revision); err != nil {
			return err
		}
		if err := moveHead(tx, row); err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return stale(err)
		}
		return useCards(tx, uses)
	}))
}

func moveHead(tx *gorm.DB, v versionRow) error {
	if v.Number == 1 {
		return stale(tx.Create(&headRow{v.Owner, v.OwnerID, v.Plugin, 1}).Error)
	}
	return one(tx.Model(&headRow{}).
		Where("owner = ? AND owner_id = ? AND plugin = ? AND number = ?", v.Owner, v.OwnerID, v.Plugin, v.Number-1).
		Update("number", v.Number))
}
