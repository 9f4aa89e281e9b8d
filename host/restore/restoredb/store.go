package restoredb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/charge/chargedb"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Store implements restore.Store.
type Store struct{ db *database.DB }

// New makes a Store on an open database.
func New(db *database.DB) *Store { return &Store{db} }

var _ restore.Store = (*Store)(nil)

// Bind implements restore.Store.
func (s *Store) Bind(ctx context.Context, e restore.Environment) (restore.Environment, error) {
	row := environmentRow{
		OnlyRow: 1, DatabaseID: uuid.Must(uuid.NewV7()).String(), Name: e.Name, Kind: string(e.Kind), KeyFingerprint: e.Fingerprint,
		BoundAt: utc(e.BoundAt), BoundBy: e.BoundBy,
	}
	err := s.db.Read(ctx).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		// Of two hosts that start at once, one binds and the other reads.
		err = s.db.Tx(ctx, func(tx *gorm.DB) error {
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
				return err
			}
			return tx.Take(&row, "only_row = 1").Error
		})
	}
	if err != nil {
		return restore.Environment{}, fmt.Errorf("read what the database belongs to: %w", err)
	}
	return row.environment(), nil
}

// State implements restore.Store.
func (s *Store) State(ctx context.Context) (restore.State, error) {
	return readState(s.db.Read(ctx))
}

// Latest implements restore.Store.
func (s *Store) Latest(ctx context.Context) (state restore.State, err error) {
	err = s.db.Latest(ctx, func(read *gorm.DB) error {
		state, err = readState(read)
		return err
	})
	return state, err
}

func readState(db *gorm.DB) (restore.State, error) {
	var state restore.State
	// The counters first: what was lifted meanwhile has its higher epoch after them.
	var counters []counterRow
	if err := db.Order("host_id, lane").Find(&counters).Error; err != nil {
		return state, fmt.Errorf("read the commit counters: %w", err)
	}
	var e environmentRow
	if err := db.Take(&e).Error; err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return state, fmt.Errorf("read what the database belongs to: %w", err)
	}
	state.Seen = restore.Seen{Database: e.DatabaseID, Epoch: e.Epoch, Commits: map[string][]int64{}}
	for _, c := range counters {
		lanes := state.Seen.Commits[c.HostID]
		for int64(len(lanes)) <= c.Lane {
			lanes = append(lanes, 0)
		}
		lanes[c.Lane] = c.Commits
		state.Seen.Commits[c.HostID] = lanes
	}
	var rows []restoreRow
	if err := db.Order("found_at").Find(&rows).Error; err != nil {
		return state, fmt.Errorf("read the restores: %w", err)
	}
	for _, r := range rows {
		state.Restored = r.FoundAt.UTC()
		if !r.LiftedAt.Valid {
			open := r.restore()
			state.Open = &open
		}
	}
	return state, nil
}

// Register implements restore.Store.
func (s *Store) Register(ctx context.Context, h restore.Host) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		row := hostRow{ID: h.ID, Owner: h.Owner, StartedAt: utc(h.StartedAt), SeenAt: utc(h.SeenAt)}
		if err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		counters := make([]counterRow, restore.Lanes)
		for i := range counters {
			counters[i] = counterRow{HostID: h.ID, Lane: int64(i)}
		}
		return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "host_id"}, {Name: "lane"}}, DoNothing: true}).Create(&counters).Error
	})
}

// Alive implements restore.Store.
func (s *Store) Alive(ctx context.Context, id string, at time.Time, stopped bool) error {
	set := map[string]any{"seen_at": utc(at)}
	if stopped {
		set["stopped_at"] = utc(at)
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error { return tx.Model(&hostRow{}).Where("id = ?", id).Updates(set).Error })
}

// Hosts implements restore.Store.
func (s *Store) Hosts(ctx context.Context) ([]restore.Host, error) {
	var rows []hostRow
	if err := s.db.Read(ctx).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list hosts: %w", err)
	}
	hosts := make([]restore.Host, len(rows))
	for i, r := range rows {
		hosts[i] = restore.Host{ID: r.ID, Owner: r.Owner, StartedAt: r.StartedAt.UTC(), SeenAt: r.SeenAt.UTC(), StoppedAt: moment(r.StoppedAt)}
	}
	return hosts, nil
}

// Open implements restore.Store. The environment's row is the lock: of two
// hosts that notice at once, one opens.
func (s *Store) Open(ctx context.Context, r restore.Restore) (restore.Restore, error) {
	var row restoreRow
	// From here on the node knows what hosts of other nodes have opened.
	err := s.db.Latest(ctx, func(read *gorm.DB) error { return read.Take(&environmentRow{}).Error })
	if err != nil {
		return restore.Restore{}, fmt.Errorf("look whether charging is stopped: %w", err)
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		row = restoreRow{ID: r.ID, FoundAt: utc(r.FoundAt), FoundBy: r.FoundBy, Text: cut(r.Text, 1000)}
		if err := lock(tx); err != nil {
			return err
		}
		var open restoreRow
		err := tx.Where("lifted_at IS NULL").Order("found_at").Limit(1).Take(&open).Error
		if err == nil {
			row = open
			return nil
		}
		if !errors.Is(err, gorm.ErrRecordNotFound) {
			return err
		}
		return tx.Create(&row).Error
	})
	if err != nil {
		return restore.Restore{}, fmt.Errorf("write down that the database was put back: %w", err)
	}
	return row.restore(), nil
}

func lock(tx *gorm.DB) error {
	var e environmentRow
	return tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&e).Error
}

// Restores implements restore.Store.
func (s *Store) Restores(ctx context.Context) ([]restore.Restore, error) {
	db := s.db.Read(ctx)
	var rows []restoreRow
	if err := db.Order("found_at").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list restores: %w", err)
	}
	all := make([]restore.Restore, len(rows))
	for i, r := range rows {
		all[i] = r.restore()
		var sites []siteRow
		if err := db.Where("restore_id = ?", r.ID).Order("site_key").Find(&sites).Error; err != nil {
			return nil, fmt.Errorf("list the sites of a restore: %w", err)
		}
		for _, p := range sites {
			all[i].Sites = append(all[i].Sites, p.progress())
		}
	}
	return all, nil
}

// SaveProgress implements restore.Store. What is kept already is renewed.
func (s *Store) SaveProgress(ctx context.Context, p restore.Progress, kept []restore.Kept) error {
	rows := make([]keptRow, len(kept))
	for i, k := range kept {
		rows[i] = fromKept(k)
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if len(rows) > 0 {
			key := []clause.Column{{Name: "endpoint"}, {Name: "site"}, {Name: "transaction_id"}}
			if err := tx.Clauses(clause.OnConflict{Columns: key, UpdateAll: true}).CreateInBatches(&rows, 200).Error; err != nil {
				return err
			}
		}
		site := fromProgress(p)
		key := []clause.Column{{Name: "restore_id"}, {Name: "site_key"}}
		return tx.Clauses(clause.OnConflict{Columns: key, UpdateAll: true}).Create(&site).Error
	})
	if err != nil {
		return fmt.Errorf("write how far the sweep has come: %w", err)
	}
	return nil
}

// Lift implements restore.Store. What waits is made due before, while no host
// runs that would find charging stopped: if it ends in between, it is done again.
func (s *Store) Lift(ctx context.Context, r restore.Restore) error {
	at := utc(r.LiftedAt)
	if err := s.wake(ctx, at); err != nil {
		return fmt.Errorf("make due what waits: %w", err)
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := lock(tx); err != nil {
			return err
		}
		err := tx.Model(&restoreRow{}).Where("id = ? AND lifted_at IS NULL", r.ID).Updates(map[string]any{
			"swept_from": utc(r.SweptFrom), "swept_until": utc(r.SweptUntil), "lifted_at": at, "lifted_by": r.LiftedBy,
		}).Error
		if err != nil {
			return err
		}
		// Never less than before: time that was set back must not make it so.
		epoch := gorm.Expr("CASE WHEN epoch >= ? THEN epoch + 1 ELSE ? END", at.UnixMicro(), at.UnixMicro())
		return tx.Model(&environmentRow{}).Where("only_row = 1").Update("epoch", epoch).Error
	})
	if err != nil {
		return fmt.Errorf("let charging go on: %w", err)
	}
	return nil
}

func (s *Store) wake(ctx context.Context, at time.Time) error {
	var ids []string
	if err := s.db.Read(ctx).Table("charges").Where("state = ?", string(charge.StateWaiting)).Pluck("id", &ids).Error; err != nil {
		return err
	}
	for part := range slices.Chunk(ids, chargedb.WakeMost) {
		err := s.db.Tx(ctx, func(tx *gorm.DB) error {
			return tx.Table("charges").Where("id IN ? AND state = ?", part, string(charge.StateWaiting)).Updates(map[string]any{
				"next_check_at": at, "version": gorm.Expr("version + 1"),
			}).Error
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Stems implements restore.Store.
func (s *Store) Stems(ctx context.Context) ([]string, error) {
	var stems []string
	if err := s.db.Read(ctx).Model(&keptRow{}).Distinct().Pluck("stem", &stems).Error; err != nil {
		return nil, fmt.Errorf("list what was kept: %w", err)
	}
	return stems, nil
}

// Kept implements restore.Store.
func (s *Store) Kept(ctx context.Context, stem string) ([]restore.Kept, error) {
	var rows []keptRow
	if err := s.db.Read(ctx).Where("stem = ?", stem).Order("started_at, transaction_id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read what was kept: %w", err)
	}
	kept := make([]restore.Kept, len(rows))
	for i, r := range rows {
		kept[i] = r.kept()
	}
	return kept, nil
}

// InBooks implements restore.Store. Every charge has a first attempt, whose
// reference is indexed.
func (s *Store) InBooks(ctx context.Context, stems []string) (map[string]charge.ID, error) {
	refs := make([]string, len(stems))
	for i, stem := range stems {
		refs[i] = string(charge.ReferenceOf(stem, 1))
	}
	var rows []struct{ ChargeID, Reference string }
	if err := s.db.Read(ctx).Table("attempts").Select("charge_id", "reference").Where("reference IN ?", refs).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look charges up by their references: %w", err)
	}
	found := make(map[string]charge.ID, len(rows))
	for _, r := range rows {
		if stem, _, ok := charge.SplitReference(payment.Reference(r.Reference)); ok {
			found[stem] = charge.ID(r.ChargeID)
		}
	}
	return found, nil
}

// Places implements restore.Store.
func (s *Store) Places(ctx context.Context) ([]restore.Target, error) {
	var rows []struct{ Plugin, FulfillerID, LinkID, Endpoint, Site string }
	err := s.db.Read(ctx).Table("attempts").
		Select("c.plugin, c.fulfiller_id, MIN(c.link_id) AS link_id, attempts.endpoint, attempts.site").
		Joins("JOIN charges c ON c.id = attempts.charge_id").Where("attempts.site <> ''").
		Group("c.plugin, c.fulfiller_id, attempts.endpoint, attempts.site").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list the sites of attempts: %w", err)
	}
	targets := make([]restore.Target, len(rows))
	for i, r := range rows {
		targets[i] = restore.Target{
			Plugin: r.Plugin, Fulfiller: settings.CompanyID(r.FulfillerID), Link: settings.LinkID(r.LinkID),
			Place: charge.Place{Endpoint: r.Endpoint, Site: r.Site},
		}
	}
	return targets, nil
}
