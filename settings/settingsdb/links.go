package settingsdb

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chargehand/chargehand/settings"
)

type linkRow struct {
	ID              string `gorm:"primaryKey"`
	FulfillerID     string
	ChannelID       string
	Plugin          string
	State           string
	StartAt         time.Time
	AfterAbsence    string
	AfterAbsenceMax int64
	MaxOrderAgeDays int
	Version         int64
	CreatedAt       time.Time
	CreatedBy       string
	UpdatedAt       time.Time `gorm:"autoUpdateTime:false"`
	UpdatedBy       string
}

// TableName names the table.
func (linkRow) TableName() string { return "links" }

func fromLink(l settings.Link) linkRow {
	return linkRow{
		ID: string(l.ID), FulfillerID: string(l.FulfillerID), ChannelID: string(l.ChannelID), Plugin: l.Plugin, State: string(l.State),
		StartAt: utc(l.StartAt), AfterAbsence: string(l.AfterAbsence), AfterAbsenceMax: l.AfterAbsenceMax, MaxOrderAgeDays: l.MaxOrderAgeDays,
		Version: l.Version, CreatedAt: utc(l.CreatedAt), CreatedBy: l.CreatedBy, UpdatedAt: utc(l.UpdatedAt), UpdatedBy: l.UpdatedBy,
	}
}

func (r linkRow) link() settings.Link {
	return settings.Link{
		ID: settings.LinkID(r.ID), FulfillerID: settings.CompanyID(r.FulfillerID), ChannelID: settings.CompanyID(r.ChannelID),
		Plugin: r.Plugin, State: settings.LinkState(r.State), StartAt: r.StartAt.UTC(),
		AfterAbsence: settings.AfterAbsence(r.AfterAbsence), AfterAbsenceMax: r.AfterAbsenceMax, MaxOrderAgeDays: r.MaxOrderAgeDays,
		Version: r.Version, CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, UpdatedAt: r.UpdatedAt.UTC(), UpdatedBy: r.UpdatedBy,
	}
}

type revisionRow struct {
	FulfillerID string `gorm:"primaryKey"`
	Plugin      string `gorm:"primaryKey"`
	Revision    int64
}

// TableName names the table.
func (revisionRow) TableName() string { return "settings_revisions" }

// move counts a revision on, if it is still the one given.
func move(tx *gorm.DB, fulfiller settings.CompanyID, plugin string, revision int64) error {
	if revision == 0 {
		return stale(tx.Create(&revisionRow{string(fulfiller), plugin, 1}).Error)
	}
	return one(tx.Model(&revisionRow{}).
		Where("fulfiller_id = ? AND plugin = ? AND revision = ?", string(fulfiller), plugin, revision).
		Update("revision", revision+1))
}

// AddLink implements settings.LinkStore.
func (s *Store) AddLink(ctx context.Context, l settings.Link) error {
	row := fromLink(l)
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		// A new link changes what a change of its fulfiller's settings reaches.
		return tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "fulfiller_id"}, {Name: "plugin"}},
			DoUpdates: clause.Set{{Column: clause.Column{Name: "revision"}, Value: gorm.Expr("settings_revisions.revision + 1")}},
		}).Create(&revisionRow{row.FulfillerID, row.Plugin, 1}).Error
	}))
}

// Link implements settings.LinkStore.
func (s *Store) Link(ctx context.Context, id settings.LinkID) (settings.Link, int64, error) {
	var row struct {
		Row      linkRow `gorm:"embedded"`
		Revision int64
	}
	err := s.db.Read(ctx).Table("links").Select("links.*, settings_revisions.revision").
		Joins("JOIN settings_revisions ON settings_revisions.fulfiller_id = links.fulfiller_id AND settings_revisions.plugin = links.plugin").
		Where("links.id = ?", string(id)).Take(&row).Error
	return row.Row.link(), row.Revision, known(err)
}

// LinkBetween implements settings.LinkStore.
func (s *Store) LinkBetween(ctx context.Context, fulfiller, channel settings.CompanyID) (settings.Link, error) {
	var row linkRow
	err := s.db.Read(ctx).Where("fulfiller_id = ? AND channel_id = ?", string(fulfiller), string(channel)).Take(&row).Error
	return row.link(), known(err)
}

// Links implements settings.LinkStore.
func (s *Store) Links(ctx context.Context, f settings.LinkFilter, after settings.LinkID, limit int) ([]settings.Link, error) {
	q := s.db.Read(ctx).Where("id > ?", string(after))
	if f.Fulfiller != "" {
		q = q.Where("fulfiller_id = ?", string(f.Fulfiller))
	}
	if f.Channel != "" {
		q = q.Where("channel_id = ?", string(f.Channel))
	}
	if f.Plugin != "" {
		q = q.Where("plugin = ?", f.Plugin)
	}
	var rows []linkRow
	err := q.Order("id").Limit(limit).Find(&rows).Error
	return all(rows, linkRow.link), known(err)
}

// UpdateLink implements settings.LinkStore.
func (s *Store) UpdateLink(ctx context.Context, l settings.Link, revision int64) error {
	row := fromLink(l)
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := move(tx, l.FulfillerID, l.Plugin, revision); err != nil {
			return err
		}
		return one(tx.Model(&linkRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
			Select("State", "StartAt", "AfterAbsence", "AfterAbsenceMax", "MaxOrderAgeDays", "Version", "UpdatedAt", "UpdatedBy").
			Updates(row))
	}))
}
