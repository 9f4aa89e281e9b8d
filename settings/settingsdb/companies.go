package settingsdb

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/chargehand/chargehand/settings"
)

type companyRow struct {
	ID        string `gorm:"primaryKey"`
	Type      string
	Reference string
	Name      string
	CreatedAt time.Time
	CreatedBy string
}

// TableName names the table.
func (companyRow) TableName() string { return "companies" }

func (r companyRow) company() settings.Company {
	return settings.Company{
		ID: settings.CompanyID(r.ID), Type: settings.CompanyType(r.Type), Reference: r.Reference, Name: r.Name,
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
	}
}

// AddCompany implements settings.CompanyStore.
func (s *Store) AddCompany(ctx context.Context, c settings.Company) error {
	row := companyRow{ID: string(c.ID), Type: string(c.Type), Reference: c.Reference, Name: c.Name, CreatedAt: utc(c.CreatedAt), CreatedBy: c.CreatedBy}
	return known(s.db.Tx(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error }))
}

// Company implements settings.CompanyStore.
func (s *Store) Company(ctx context.Context, id settings.CompanyID) (settings.Company, error) {
	var row companyRow
	err := s.db.Read(ctx).Where("id = ?", string(id)).Take(&row).Error
	return row.company(), known(err)
}

// CompanyByReference implements settings.CompanyStore.
func (s *Store) CompanyByReference(ctx context.Context, t settings.CompanyType, reference string) (settings.Company, error) {
	var row companyRow
	err := s.db.Read(ctx).Where("type = ? AND reference = ?", string(t), reference).Take(&row).Error
	return row.company(), known(err)
}

// Companies implements settings.CompanyStore.
func (s *Store) Companies(ctx context.Context, t settings.CompanyType, after settings.CompanyID, limit int) ([]settings.Company, error) {
	q := s.db.Read(ctx).Where("id > ?", string(after))
	if t != "" {
		q = q.Where("type = ?", string(t))
	}
	var rows []companyRow
	err := q.Order("id").Limit(limit).Find(&rows).Error
	return all(rows, companyRow.company), known(err)
}

func all[R, T any](rows []R, convert func(R) T) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = convert(r)
	}
	return out
}
