package pluginrpc

import (
	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

func descriptionToProto(d payment.Description) *pb.DescribeResponse {
	return &pb.DescribeResponse{
		Name:         text(d.Name),
		Title:        text(d.Title),
		Version:      text(d.Version),
		Revision:     text(d.Revision),
		Capabilities: list(d.Capabilities, text[string]),
		Settings:     list(d.Settings, fieldToProto),
	}
}

func descriptionFromProto(d *pb.DescribeResponse) payment.Description {
	return payment.Description{
		Name:         d.GetName(),
		Title:        d.GetTitle(),
		Version:      d.GetVersion(),
		Revision:     d.GetRevision(),
		Capabilities: d.GetCapabilities(),
		Settings:     list(d.GetSettings(), fieldFromProto),
	}
}

func fieldToProto(f payment.Field) *pb.Field {
	return &pb.Field{
		Name:     text(f.Name),
		Label:    text(f.Label),
		Kind:     fieldKinds.toProto(f.Kind),
		Owner:    owners.toProto(f.Owner),
		Required: f.Required,
		Rule:     text(f.Rule),
		Choices: list(f.Choices, func(c payment.Choice) *pb.Choice {
			return &pb.Choice{Value: text(c.Value), Label: text(c.Label)}
		}),
		Default: text(f.Default),
		Help:    text(f.Help),
	}
}

func fieldFromProto(f *pb.Field) payment.Field {
	return payment.Field{
		Name:     f.GetName(),
		Label:    f.GetLabel(),
		Kind:     fieldKinds.fromProto(f.GetKind()),
		Owner:    owners.fromProto(f.GetOwner()),
		Required: f.GetRequired(),
		Rule:     f.GetRule(),
		Choices: list(f.GetChoices(), func(c *pb.Choice) payment.Choice {
			return payment.Choice{Value: c.GetValue(), Label: c.GetLabel()}
		}),
		Default: f.GetDefault(),
		Help:    f.GetHelp(),
	}
}

func settingsRequestToProto(r payment.SettingsRequest) *pb.ValidateSettingsRequest {
	return &pb.ValidateSettingsRequest{Settings: settingsToProto(r.Settings), Partial: r.Partial}
}

func settingsRequestFromProto(r *pb.ValidateSettingsRequest) payment.SettingsRequest {
	return payment.SettingsRequest{Settings: settingsFromProto(r.GetSettings()), Partial: r.GetPartial()}
}

func settingsReportToProto(r payment.SettingsReport) *pb.ValidateSettingsResponse {
	return &pb.ValidateSettingsResponse{
		Problems: list(r.Problems, func(p payment.FieldProblem) *pb.FieldProblem {
			return &pb.FieldProblem{Field: text(p.Field), Label: text(p.Label), Rule: text(p.Rule), Text: text(p.Text)}
		}),
		Profile: &pb.Profile{
			Endpoint: text(r.Profile.Endpoint),
			Site:     text(r.Profile.Site),
			User:     text(r.Profile.User),
			Mode:     modes.toProto(r.Profile.Mode),
			Stored:   text(r.Profile.Stored),
			Settle:   settleModes.toProto(r.Profile.Settle),
			Numbered: r.Profile.Numbered,
		},
	}
}

func settingsReportFromProto(r *pb.ValidateSettingsResponse) payment.SettingsReport {
	p := r.GetProfile()
	return payment.SettingsReport{
		Problems: list(r.GetProblems(), func(p *pb.FieldProblem) payment.FieldProblem {
			return payment.FieldProblem{Field: p.GetField(), Label: p.GetLabel(), Rule: p.GetRule(), Text: p.GetText()}
		}),
		Profile: payment.Profile{
			Endpoint: p.GetEndpoint(),
			Site:     p.GetSite(),
			User:     p.GetUser(),
			Mode:     modes.fromProto(p.GetMode()),
			Stored:   payment.TransactionID(p.GetStored()),
			Settle:   settleModes.fromProto(p.GetSettle()),
			Numbered: p.GetNumbered(),
		},
	}
}
