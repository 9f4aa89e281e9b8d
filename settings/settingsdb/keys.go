package settingsdb

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"

	"github.com/chargehand/chargehand/settings"
)

type dataKeyRow struct {
	ID        string `gorm:"primaryKey"`
	CompanyID string
	Number    int64
	MasterID  string
	Wrapped   []byte
	CreatedAt time.Time
}

// TableName names the table.
func (dataKeyRow) TableName() string { return "data_keys" }

func (r dataKeyRow) key() settings.DataKey {
	return settings.DataKey{
		ID: r.ID, CompanyID: settings.CompanyID(r.CompanyID), Number: r.Number, MasterID: r.MasterID, Wrapped: r.Wrapped, CreatedAt: r.CreatedAt.UTC(),
	}
}

// NewestDataKey implements settings.DataKeyStore.
func (s *Store) NewestDataKey(ctx context.Context, id settings.CompanyID) (settings.DataKey, error) {
	var row dataKeyRow
	err := s.db.Read(ctx).Where("company_id = ?", string(id)).Order("number DESC").Limit(1).Take(&row).Error
	return row.key(), known(err)
}

// DataKey implements settings.DataKeyStore.
func (s *Store) DataKey(ctx context.Context, id string) (settings.DataKey, error) {
	var row dataKeyRow
	err := s.db.Read(ctx).Where("id = ?", id).Take(&row).Error
	return row.key(), known(err)
}

// AddDataKey implements settings.DataKeyStore.
func (s *Store) AddDataKey(ctx context.Context, k settings.DataKey) error {
	row := dataKeyRow{ID: k.ID, CompanyID: string(k.CompanyID), Number: k.Number, MasterID: k.MasterID, Wrapped: k.Wrapped, CreatedAt: utc(k.CreatedAt)}
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error }))
}

type apiKeyRow struct {
	ID         string `gorm:"primaryKey"`
	Kind       string
	CompanyID  sql.NullString
	Name       string
	Hash       []byte
	CreatedAt  time.Time
	CreatedBy  string
	RevokedAt  sql.NullTime
	RevokedBy  string
	LastUsedAt sql.NullTime
}

// TableName names the table.
func (apiKeyRow) TableName() string { return "api_keys" }

func (r apiKeyRow) key() settings.APIKey {
	return settings.APIKey{
		ID: settings.KeyID(r.ID), Kind: settings.ActorKind(r.Kind), Company: settings.CompanyID(r.CompanyID.String), Name: r.Name,
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, RevokedAt: moment(r.RevokedAt), RevokedBy: r.RevokedBy, LastUsedAt: moment(r.LastUsedAt),
	}
}

func moment(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// AddKey implements settings.KeyStore.
func (s *Store) AddKey(ctx context.Context, k settings.APIKey, hash []byte) error {
	row := apiKeyRow{
		ID: string(k.ID), Kind: string(k.Kind), CompanyID: sql.NullString{String: string(k.Company), Valid: k.Company != ""},
		Name: k.Name, Hash: hash, CreatedAt: utc(k.CreatedAt), CreatedBy: k.CreatedBy,
	}
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error }))
}

// Key implements settings.KeyStore.
func (s *Store) Key(ctx context.Context, id settings.KeyID) (settings.APIKey, []byte, error) {
	var row apiKeyRow
	err := s.db.Read(ctx).Where("id = ?", string(id)).Take(&row).Error
	return row.key(), row.Hash, known(err)
}

// Keys implements settings.KeyStore.
func (s *Store) Keys(ctx context.Context, company settings.CompanyID, after settings.KeyID, limit int) ([]settings.APIKey, error) {
	q := s.db.Read(ctx).Where("id > ?", string(after))
	if company != "" {
		q = q.Where("company_id = ?", string(company))
	}
	var rows []apiKeyRow
	err := q.Order("id").Limit(limit).Find(&rows).Error
	return all(rows, apiKeyRow.key), known(err)
}

// RevokeKey implements settings.KeyStore.
func (s *Store) RevokeKey(ctx context.Context, id settings.KeyID, at time.Time, by string) error {
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&apiKeyRow{}).Where("id = ? AND revoked_at IS NULL", string(id)).
			Updates(map[string]any{"revoked_at": utc(at), "revoked_by": by}).Error
	}))
}

// TouchKey implements settings.KeyStore.
func (s *Store) TouchKey(ctx context.Context, id settings.KeyID, at time.Time) error {
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&apiKeyRow{}).Where("id = ?", string(id)).Update("last_used_at", utc(at)).Error
	}))
}
