package settings

import "time"

// CompanyID is our own id of a company, a UUIDv7.
type CompanyID string

// CompanyType says what a company does in an order.
type CompanyType string

// The types of company.
const (
	Fulfiller    CompanyType = "fulfiller"     // makes and ships the goods, and is paid for it
	SalesChannel CompanyType = "sales_channel" // a retailer's channel, which pays
)

// Company is a tenant. It does not change once created.
type Company struct {
	ID   CompanyID
	Type CompanyType
	// Reference is the platform's own name of the company, unique in its type
	// and compared byte for byte.
	Reference string
	Name      string
	CreatedAt time.Time
	CreatedBy string
}

// NewCompany is what a company is created from.
type NewCompany struct {
	Type      CompanyType
	Reference string
	Name      string // empty means Reference
}

// Limits on the names of companies, in characters.
const (
	MaxReference = 64
	MaxName      = 200
)

func (n NewCompany) validate() error {
	switch n.Type {
	case Fulfiller, SalesChannel:
	default:
		return invalid("type", "it must be %q or %q", Fulfiller, SalesChannel)
	}
	if err := checkName("reference", n.Reference, MaxReference); err != nil {
		return err
	}
	return checkName("name", n.Name, MaxName)
}
