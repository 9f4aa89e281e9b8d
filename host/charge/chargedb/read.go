package chargedb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Load implements charge.Store.
func (s *Store) Load(ctx context.Context, ids ...charge.ID) ([]*charge.Charge, error) {
	return load(s.db.Read(ctx), "id IN ?", strs(ids))
}

// Latest implements charge.Store.
func (s *Store) Latest(ctx context.Context, ids ...charge.ID) (charges []*charge.Charge, err error) {
	err = s.db.Latest(ctx, func(read *gorm.DB) error {
		charges, err = load(read, "id IN ?", strs(ids))
		return err
	})
	return charges, err
}

// load reads charges with all that hangs on them, by id.
func load(db *gorm.DB, where string, args ...any) ([]*charge.Charge, error) {
	var rows []chargeRow
	if err := db.Where(where, args...).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	charges := make([]*charge.Charge, len(rows))
	byID := make(map[string]*charge.Charge, len(rows))
	ids := make([]string, len(rows))
	for i, r := range rows {
		charges[i] = r.charge()
		ids[i], byID[r.ID] = r.ID, charges[i]
	}
	var attempts []attemptRow
	if err := db.Where("charge_id IN ?", ids).Order("charge_id, number").Find(&attempts).Error; err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	for _, a := range attempts {
		c := byID[a.ChargeID]
		c.Attempts = append(c.Attempts, a.attempt())
	}
	var records []recordRow
	if err := db.Where("charge_id IN ?", ids).Order("charge_id, transaction_id").Find(&records).Error; err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	for _, r := range records {
		c := byID[r.ChargeID]
		c.Records = append(c.Records, r.record())
	}
	return charges, nil
}

func strs[T ~string](ids []T) []string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = string(id)
	}
	return s
}

// Order implements order.Store.
func (s *Store) Order(ctx context.Context, channel settings.CompanyID, reference string) (order.Order, []*charge.Charge, error) {
	return s.order(ctx, "channel_id = ? AND reference = ?", string(channel), reference)
}

// OrderByID implements order.Store.
func (s *Store) OrderByID(ctx context.Context, id charge.OrderID) (order.Order, []*charge.Charge, error) {
	return s.order(ctx, "id = ?", string(id))
}

func (s *Store) order(ctx context.Context, where string, args ...any) (order.Order, []*charge.Charge, error) {
	db := s.db.Read(ctx)
	var row orderRow
	if err := db.Where(where, args...).Take(&row).Error; err != nil {
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return order.Order{}, nil, &payment.Error{Kind: payment.ErrorNotFound, Text: "there is no such order", Err: err}
		}
		return order.Order{}, nil, fmt.Errorf("read order: %w", err)
	}
	cs, err := load(db, "order_id = ?", row.ID)
	return row.order(), cs, err
}

// Cancel implements order.Store.
func (s *Store) Cancel(ctx context.Context, id charge.OrderID, at time.Time, reason string) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Model(&orderRow{}).Where("id = ? AND cancelled_at IS NULL", string(id)).
			Updates(map[string]any{"cancelled_at": utc(at), "cancel_reason": cut(reason)}).Error
		if err != nil {
			return err
		}
		// A call that may be under way keeps its lease: its answer, or the lease's
		// end, goes on from here.
		return tx.Model(&chargeRow{}).Where("order_id = ? AND cancelled_at IS NULL", string(id)).Updates(map[string]any{
			"cancelled_at": utc(at), "version": gorm.Expr("version + 1"),
			"next_check_at": gorm.Expr("CASE WHEN state = ? THEN next_check_at ELSE ? END", string(charge.StateCharging), utc(at)),
		}).Error
	})
}

// maxStory bounds how much evidence is read at once.
const maxStory = 2000

// Evidence implements order.Reader.
func (s *Store) Evidence(ctx context.Context, id charge.ID) ([]charge.Evidence, error) {
	var rows []evidenceRow
	if err := s.db.Read(ctx).Where("charge_id = ?", string(id)).Order("version, id").Limit(maxStory).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	story := make([]charge.Evidence, len(rows))
	for i, r := range rows {
		story[i] = r.evidence()
	}
	return story, nil
}

// List implements order.Reader.
func (s *Store) List(ctx context.Context, f order.Filter) ([]*charge.Charge, error) {
	db := s.db.Read(ctx).Model(&chargeRow{})
	if f.Fulfiller != "" {
		db = db.Where("fulfiller_id = ?", string(f.Fulfiller))
	}
	if f.Channel != "" {
		db = db.Where("channel_id = ?", string(f.Channel))
	}
	if f.State != "" {
		db = db.Where("state = ?", string(f.State))
	}
	if f.NeedsPerson {
		db = db.Where("person_case <> ''")
	}
	var ids []string
	if err := db.Where("id > ?", string(f.After)).Order("id").Limit(f.Limit).Pluck("id", &ids).Error; err != nil {
		return nil, fmt.Errorf("list charges: %w", err)
	}
	return load(s.db.Read(ctx), "id IN ?", ids)
}

// Entries implements order.Reader.
func (s *Store) Entries(ctx context.Context, after string, limit int) ([]charge.Entry, error) {
	var rows []entryRow
	if err := s.db.Read(ctx).Where("id > ?", after).Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list ledger entries: %w", err)
	}
	entries := make([]charge.Entry, len(rows))
	for i, r := range rows {
		entries[i] = r.entry()
	}
	return entries, nil
}

// OrderNames implements order.Reader.
func (s *Store) OrderNames(ctx context.Context, ids []charge.OrderID) (map[charge.OrderID]string, error) {
	slices.Sort(ids)
	var rows []orderRow
	if err := s.db.Read(ctx).Select("id", "reference").Where("id IN ?", strs(slices.Compact(ids))).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read order names: %w", err)
	}
	names := make(map[charge.OrderID]string, len(rows))
	for _, r := range rows {
		names[charge.OrderID(r.ID)] = strings.Clone(r.Reference)
	}
	return names, nil
}

// IsOurTransaction reports whether a transaction of that site is a charge of
// ours, which can't be anybody's stored reference.
func (s *Store) IsOurTransaction(ctx context.Context, _, site string, id payment.TransactionID) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Model(&recordRow{}).Where("site = ? AND transaction_id = ?", site, string(id)).Limit(1).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look for a charge with that transaction: %w", err)
	}
	return n > 0, nil
}
