package chargedb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/settings"
)

// ClaimDue implements charge.Store. The claim is committed before anything is
// read for work; other hosts pass over rows that are locked, and over rows
// that are claimed, since those are not due.
func (s *Store) ClaimDue(ctx context.Context, owner string, now, until time.Time, limit int) ([]*charge.Charge, error) {
	var ids []string
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		ids = nil
		due := tx.Model(&chargeRow{}).Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).
			Where("next_check_at <= ? AND state <> ?", utc(now), string(charge.StatePlanned)).
			Order("next_check_at").Limit(limit)
		if err := due.Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
			return err
		}
		err := tx.Model(&chargeRow{}).Where("id IN ?", ids).Updates(map[string]any{
			"lease_owner": owner, "lease_until": utc(until), "next_check_at": utc(until), "version": gorm.Expr("version + 1"),
		}).Error
		step.At(step.DueWritten)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim what is due: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	step.At(step.DueClaimed)
	return load(s.db.Read(ctx), "id IN ? AND lease_owner = ?", ids, owner)
}

// Planned implements charge.Store.
func (s *Store) Planned(ctx context.Context, fulfiller settings.CompanyID, limit int) ([]charge.ID, error) {
	var ids []charge.ID
	err := s.db.Read(ctx).Model(&chargeRow{}).Where("state = ? AND fulfiller_id = ?", string(charge.StatePlanned), string(fulfiller)).
		Order("created_at").Limit(limit).Pluck("id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("list planned charges: %w", err)
	}
	return ids, nil
}

// PlannedFulfillers implements charge.Store.
func (s *Store) PlannedFulfillers(ctx context.Context) ([]settings.CompanyID, error) {
	var ids []settings.CompanyID
	err := s.db.Read(ctx).Model(&chargeRow{}).Where("state = ?", string(charge.StatePlanned)).
		Distinct().Pluck("fulfiller_id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("list fulfillers with planned charges: %w", err)
	}
	return ids, nil
}

// NextDue implements charge.Store.
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	var row chargeRow
	err := s.db.Read(ctx).Select("next_check_at").
		Where("next_check_at IS NOT NULL AND state <> ?", string(charge.StatePlanned)).
		Order("next_check_at").Limit(1).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the next check: %w", err)
	}
	return moment(row.NextCheckAt), nil
}

// Pauses implements charge.Store.
func (s *Store) Pauses(ctx context.Context) ([]charge.Pause, error) {
	var rows []pauseRow
	if err := s.db.Read(ctx).Order("since").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read pauses: %w", err)
	}
	ps := make([]charge.Pause, len(rows))
	for i, r := range rows {
		ps[i] = r.pause()
	}
	return ps, nil
}

// SavePause implements charge.Store.
func (s *Store) SavePause(ctx context.Context, p charge.Pause) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&pauseRow{}).Where("scope = ? AND scope_key = ?", string(p.Scope), p.Key).
			Updates(map[string]any{"probes": p.Probes, "next_probe_at": utc(p.NextProbeAt), "text": cut(p.Text), "code": p.Code}).Error
	})
}

// Resume implements charge.Store. The pause ends first. What waited for it is
// made due bit by bit then, and what a host that dies leaves of it comes up by
// its own next check.
func (s *Store) Resume(ctx context.Context, p charge.Pause, now time.Time) error {
	var ids []string
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		ids = nil
		if err := tx.Where("scope = ? AND scope_key = ?", string(p.Scope), p.Key).Delete(&pauseRow{}).Error; err != nil {
			return err
		}
		waiting := tx.Model(&chargeRow{}).Where("state = ? AND plugin = ? AND next_check_at > ?", string(charge.StateWaiting), p.Plugin, utc(now))
		switch p.Scope {
		case charge.ScopeLink:
			waiting = waiting.Where("link_id = ?", string(p.LinkID))
		case charge.ScopeSite:
			waiting = waiting.Where("fulfiller_id = ?", string(p.FulfillerID))
		}
		return waiting.Pluck("id", &ids).Error
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, WakeMost) {
		err := s.db.Tx(ctx, func(tx *gorm.DB) error {
			return tx.Model(&chargeRow{}).Where("id IN ? AND state = ? AND next_check_at > ?", part, string(charge.StateWaiting), utc(now)).
				Updates(map[string]any{"next_check_at": utc(now), "version": gorm.Expr("version + 1")}).Error
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// WakeMost is how many charges are made due in one transaction. However many
// wait, it ends within its time limit, and a cluster has not all of it to
// certify at once.
const WakeMost = 1000

// Sites implements charge.Store.
func (s *Store) Sites(ctx context.Context) ([]charge.Site, error) {
	var rows []siteRow
	if err := s.db.Read(ctx).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read sites: %w", err)
	}
	sites := make([]charge.Site, len(rows))
	for i, r := range rows {
		sites[i] = charge.Site{Key: r.SiteKey, ProvenAt: moment(r.ProvenAt), FailingSince: moment(r.FailingSince)}
	}
	return sites, nil
}

// firstSequence is the number of the first charge on a stored reference: the
// payment that made the reference was number one.
const firstSequence = 2

// Sequence implements charge.Store.
func (s *Store) Sequence(ctx context.Context, link settings.LinkID, stored string) (int64, error) {
	var row sequenceRow
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		first := sequenceRow{LinkID: string(link), Stored: stored, Next: firstSequence}
		if err := keep(tx, []sequenceRow{first}, "link_id", "stored"); err != nil {
			return err
		}
		key := tx.Where("link_id = ? AND stored = ?", string(link), stored).Session(&gorm.Session{})
		if err := key.Model(&sequenceRow{}).Update("next", gorm.Expr("next + 1")).Error; err != nil {
			return err
		}
		return key.Take(&row).Error
	})
	if err != nil {
		return 0, fmt.Errorf("allot the number in the recurring series: %w", err)
	}
	return row.Next - 1, nil
}

// KnownTransaction implements charge.Store.
func (s *Store) KnownTransaction(ctx context.Context, endpoint, site string, after time.Time, except charge.ID) (string, error) {
	var row recordRow
	err := s.db.Read(ctx).Select("transaction_id").
		Where("site = ? AND seen_at > ? AND started_at > ? AND endpoint = ? AND charge_id <> ?", site, utc(after), utc(after), endpoint, string(except)).
		Order("seen_at DESC").Limit(1).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for a known transaction: %w", err)
	}
	return row.TransactionID, nil
}
