package chargedb

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chargehand/chargehand/host/charge"
)

// batch gathers the rows of many changes, a statement for each table.
type batch struct {
	charges  []chargeRow
	attempts []attemptRow
	records  []recordRow
	evidence []evidenceRow
	entries  []entryRow
	events   []eventRow
	pauses   []pauseRow
	sites    map[string]siteRow
}

func (b *batch) add(c charge.Change) {
	before, after := c.Before, c.After
	at := after.UpdatedAt
	b.charges = append(b.charges, fromCharge(after))
	for _, a := range after.Attempts {
		if old := before.Attempt(a.Number); old == nil || *old != a {
			b.attempts = append(b.attempts, fromAttempt(a))
		}
	}
	for i := range after.Records {
		r := &after.Records[i]
		if old := before.Record(r.ID); old == nil || *old != *r {
			b.records = append(b.records, fromRecord(*r, endpointOf(after, r)))
		}
	}
	for _, e := range c.Evidence {
		e.ChargeID, e.Version, e.State, e.Produce = after.ID, after.Version, after.State, after.Produce
		b.evidence = append(b.evidence, fromEvidence(e))
	}
	for _, e := range charge.Movements(before, after, at) {
		b.entries = append(b.entries, fromEntry(e))
	}
	if e := charge.Changed(before, after, at); e != nil {
		b.events = append(b.events, fromEvent(*e))
	}
	if c.Pause != nil {
		b.pauses = append(b.pauses, fromPause(*c.Pause))
	}
	if c.Site != nil {
		if b.sites == nil {
			b.sites = map[string]siteRow{}
		}
		b.sites[c.Site.Key] = siteRow{SiteKey: c.Site.Key, ProvenAt: nullable(c.Site.ProvenAt), FailingSince: nullable(c.Site.FailingSince)}
	}
}

// endpointOf is where the record stands: where its attempt was sent.
func endpointOf(c *charge.Charge, r *charge.Record) string {
	if a := c.ByReference(r.Reference); a != nil {
		return a.Endpoint
	}
	if n := c.Newest(); n != nil {
		return n.Endpoint
	}
	return ""
}

func (b *batch) write(tx *gorm.DB) error {
	sites := make([]siteRow, 0, len(b.sites))
	for _, s := range b.sites {
		sites = append(sites, s)
	}
	for _, step := range []func() error{
		func() error { return upsert(tx, b.charges, "id") },
		func() error { return upsert(tx, b.attempts, "charge_id", "number") },
		func() error { return upsert(tx, b.records, "charge_id", "transaction_id") },
		func() error { return insert(tx, b.evidence) },
		func() error { return insert(tx, b.entries) },
		func() error { return insert(tx, b.events) },
		// A pause that is there already keeps its probes: it is renewed, not begun.
		func() error { return keep(tx, b.pauses, "scope", "scope_key") },
		func() error { return upsert(tx, sites, "site_key") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func insert[T any](tx *gorm.DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.Create(&rows).Error
}

func upsert[T any](tx *gorm.DB, rows []T, key ...string) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.Clauses(clause.OnConflict{Columns: columns(key), UpdateAll: true}).Create(&rows).Error
}

func keep[T any](tx *gorm.DB, rows []T, key ...string) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.Clauses(clause.OnConflict{Columns: columns(key), DoNothing: true}).Create(&rows).Error
}

func columns(names []string) []clause.Column {
	cols := make([]clause.Column, len(names))
	for i, n := range names {
		cols[i] = clause.Column{Name: n}
	}
	return cols
}
