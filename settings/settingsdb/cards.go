package settingsdb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// placeRow is a settings.Place in columns.
type placeRow struct {
	Plugin   string
	Endpoint string
	Site     string
	Stored   string
}

func fromPlace(p settings.Place) placeRow {
	return placeRow{p.Plugin, p.Endpoint, p.Site, string(p.Stored)}
}

func (r placeRow) place() settings.Place {
	return settings.Place{Plugin: r.Plugin, Endpoint: r.Endpoint, Site: r.Site, Stored: payment.TransactionID(r.Stored)}
}

// at selects the rows of a place.
func (r placeRow) at(tx *gorm.DB) *gorm.DB {
	return tx.Where("plugin = ? AND endpoint = ? AND site = ? AND stored = ?", r.Plugin, r.Endpoint, r.Site, r.Stored)
}

type storedRow struct {
	Plugin   string `gorm:"primaryKey"`
	Endpoint string `gorm:"primaryKey"`
	Site     string `gorm:"primaryKey"`
	Stored   string `gorm:"primaryKey"`
	Writes   int64
}

// TableName names the table.
func (storedRow) TableName() string { return "stored_references" }

type cardRow struct {
	LinkID    string `gorm:"primaryKey"`
	ChannelID string
	Place     placeRow `gorm:"embedded"`
}

// TableName names the table.
func (cardRow) TableName() string { return "link_cards" }

// useCards records which cards the links use from now on, and refuses those
// that stand on another channel's link.
func useCards(tx *gorm.DB, uses []settings.CardUse) error {
	changed, err := changedCards(tx, uses)
	if err != nil {
		return err
	}
	// In one order everywhere, so that two writers don't wait for each other.
	slices.SortFunc(changed, func(a, b cardRow) int {
		return cmp.Or(cmp.Compare(a.Place.Plugin, b.Place.Plugin), cmp.Compare(a.Place.Endpoint, b.Place.Endpoint),
			cmp.Compare(a.Place.Site, b.Place.Site), cmp.Compare(a.Place.Stored, b.Place.Stored), cmp.Compare(a.LinkID, b.LinkID))
	})
	for _, row := range changed {
		if err := useCard(tx, row); err != nil {
			return err
		}
	}
	// Only now all links of this write stand as they will.
	taken := &settings.CardTakenError{}
	for _, row := range changed {
		if row.Place.Stored == "" {
			continue
		}
		var others []cardRow
		// Locked, so that the newest rows are seen whatever the isolation.
		err := row.Place.at(tx).Where("channel_id <> ?", row.ChannelID).
			Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Limit(1).Find(&others).Error
		if err != nil {
			return err
		}
		if len(others) > 0 {
			taken.Links = append(taken.Links, settings.LinkID(row.LinkID))
		}
	}
	if len(taken.Links) > 0 {
		return taken
	}
	return nil
}

// chunk bounds the parameters of one statement.
const chunk = 500

// changedCards leaves out the links whose card stays.
func changedCards(tx *gorm.DB, uses []settings.CardUse) ([]cardRow, error) {
	var changed []cardRow
	for part := range slices.Chunk(uses, chunk) {
		ids := make([]string, len(part))
		for i, u := range part {
			ids[i] = string(u.LinkID)
		}
		var rows []cardRow
		if err := tx.Where("link_id IN ?", ids).Find(&rows).Error; err != nil {
			return nil, err
		}
		now := make(map[string]placeRow, len(rows))
		for _, r := range rows {
			now[r.LinkID] = r.Place
		}
		for _, u := range part {
			row := cardRow{string(u.LinkID), string(u.ChannelID), fromPlace(u.Place)}
			if u.Place.Stored == "" {
				row.Place = placeRow{}
			}
			if now[row.LinkID] != row.Place {
				changed = append(changed, row)
			}
		}
	}
	return changed, nil
}

func useCard(tx *gorm.DB, row cardRow) error {
	if row.Place.Stored == "" {
		return tx.Where("link_id = ?", row.LinkID).Delete(&cardRow{}).Error
	}
	// Two who put the same card on links of different fulfillers share no
	// revision. On one server the rows of link_cards make them meet; between the
	// nodes of a cluster only a write to the same row does.
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "plugin"}, {Name: "endpoint"}, {Name: "site"}, {Name: "stored"}},
		DoUpdates: clause.Set{{Column: clause.Column{Name: "writes"}, Value: gorm.Expr("stored_references.writes + 1")}},
	}).Create(&storedRow{row.Place.Plugin, row.Place.Endpoint, row.Place.Site, row.Place.Stored, 1}).Error
	if err != nil {
		return err
	}
	return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "link_id"}}, UpdateAll: true}).Create(&row).Error
}

type reportRow struct {
	LinkID           string `gorm:"primaryKey"`
	At               time.Time
	ByWhom           string
	Passed           bool
	Findings         string
	Mode             string
	Card             string
	Scheme           string
	Expiry           string
	Currency         string
	Place            placeRow `gorm:"embedded"`
	FulfillerVersion int64
	LinkVersion      int64
}

// TableName names the table.
func (reportRow) TableName() string { return "preflights" }

// SaveReport implements settings.CardStore.
func (s *Store) SaveReport(ctx context.Context, r settings.Report) error {
	findings, err := json.Marshal(r.Findings)
	if err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	row := reportRow{
		LinkID: string(r.LinkID), At: utc(r.At), ByWhom: r.By, Passed: r.Passed, Findings: string(findings), Mode: string(r.Mode),
		Card: r.Card, Scheme: r.Scheme, Expiry: r.Expiry, Currency: r.Currency, Place: fromPlace(r.Place),
		FulfillerVersion: r.FulfillerVersion, LinkVersion: r.LinkVersion,
	}
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "link_id"}}, UpdateAll: true}).Create(&row).Error
	}))
}

// Report implements settings.CardStore.
func (s *Store) Report(ctx context.Context, id settings.LinkID) (settings.Report, error) {
	var row reportRow
	if err := s.db.Read(ctx).Where("link_id = ?", string(id)).Take(&row).Error; err != nil {
		return settings.Report{}, known(err)
	}
	r := settings.Report{
		LinkID: id, At: row.At.UTC(), By: row.ByWhom, Passed: row.Passed, Mode: payment.Mode(row.Mode),
		Card: row.Card, Scheme: row.Scheme, Expiry: row.Expiry, Currency: row.Currency, Place: row.Place.place(),
		FulfillerVersion: row.FulfillerVersion, LinkVersion: row.LinkVersion,
	}
	if err := json.Unmarshal([]byte(row.Findings), &r.Findings); err != nil {
		return settings.Report{}, fmt.Errorf("the last preflight of link %s is not readable: %w", id, err)
	}
	return r, nil
}

type confirmationRow struct {
	LinkID   string `gorm:"primaryKey"`
	Plugin   string `gorm:"primaryKey"`
	Endpoint string `gorm:"primaryKey"`
	Site     string `gorm:"primaryKey"`
	Stored   string `gorm:"primaryKey"`
	Card     string
	Scheme   string
	Expiry   string
	At       time.Time
	ByWhom   string
}

// TableName names the table.
func (confirmationRow) TableName() string { return "card_confirmations" }

// Confirm implements settings.CardStore.
func (s *Store) Confirm(ctx context.Context, c settings.Confirmation, l settings.Link) error {
	row := confirmationRow{
		LinkID: string(c.LinkID), Plugin: c.Place.Plugin, Endpoint: c.Place.Endpoint, Site: c.Place.Site, Stored: string(c.Place.Stored),
		Card: c.Card, Scheme: c.Scheme, Expiry: c.Expiry, At: utc(c.At), ByWhom: c.By,
	}
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error {
		err := one(tx.Model(&revisionRow{}).Where("fulfiller_id = ? AND plugin = ?", string(l.FulfillerID), l.Plugin).
			Update("revision", gorm.Expr("revision + 1")))
		if err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "link_id"}, {Name: "plugin"}, {Name: "endpoint"}, {Name: "site"}, {Name: "stored"}},
			UpdateAll: true,
		}).Create(&row).Error
	}))
}

// Confirmation implements settings.CardStore.
func (s *Store) Confirmation(ctx context.Context, id settings.LinkID, p settings.Place) (settings.Confirmation, error) {
	var row confirmationRow
	if err := fromPlace(p).at(s.db.Read(ctx)).Where("link_id = ?", string(id)).Take(&row).Error; err != nil {
		return settings.Confirmation{}, known(err)
	}
	return settings.Confirmation{LinkID: id, Place: p, Card: row.Card, Scheme: row.Scheme, Expiry: row.Expiry, At: row.At.UTC(), By: row.ByWhom}, nil
}
