package settings

import (
	"context"

	"github.com/chargehand/chargehand/shared/payment"
)

// Administration is what people and the platform do with settings. The Service
// implements it.
type Administration interface {
	CreateCompany(ctx context.Context, a Actor, n NewCompany) (Company, error)
	Company(ctx context.Context, a Actor, id CompanyID) (Company, error)
	Companies(ctx context.Context, a Actor, t CompanyType, p Paging) (Page[Company], error)

	CreateLink(ctx context.Context, a Actor, n NewLink) (Link, error)
	Link(ctx context.Context, a Actor, id LinkID) (Link, error)
	Links(ctx context.Context, a Actor, f LinkFilter, p Paging) (Page[Link], error)
	ChangeLink(ctx context.Context, a Actor, id LinkID, c LinkChange) (Link, error)

	SaveFulfiller(ctx context.Context, a Actor, id CompanyID, plugin string, e Edit) (View, error)
	SaveLink(ctx context.Context, a Actor, id LinkID, e Edit) (View, error)
	ViewFulfiller(ctx context.Context, a Actor, id CompanyID, plugin string) (View, error)
	ViewLink(ctx context.Context, a Actor, id LinkID) (View, error)
	FulfillerHistory(ctx context.Context, a Actor, id CompanyID, plugin string, p Paging) (Page[VersionView], error)
	LinkHistory(ctx context.Context, a Actor, id LinkID, p Paging) (Page[VersionView], error)

	Preflight(ctx context.Context, a Actor, id LinkID) (Report, error)
	LastReport(ctx context.Context, a Actor, id LinkID) (Report, error)
	ConfirmCard(ctx context.Context, a Actor, id LinkID, stored payment.TransactionID, card string) (Confirmation, error)

	CreateKey(ctx context.Context, a Actor, n NewKey) (APIKey, payment.Secret, error)
	Keys(ctx context.Context, a Actor, company CompanyID, p Paging) (Page[APIKey], error)
	RevokeKey(ctx context.Context, a Actor, id KeyID) error
	Authenticate(ctx context.Context, key payment.Secret) (Actor, error)
}

var _ Administration = (*Service)(nil)
