package gateway

import (
	"errors"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

// format is a way in which the service speaks. Behind it there are documents
// and fields, alike in all of them.
type format struct {
	contentType string
	version     string
	// origin is the interface of a call, as query records tell it.
	origin string
	// read makes a document of a body, which is valid UTF-8.
	read func(body string) (wire.Value, error)
	// unread tells the code and the hint for a body that read refuses.
	unread func(err error) (code, data string)
	// write puts an envelope behind dst.
	write func(dst []byte, envelope wire.Fields) []byte
}

var formatJSON = format{
	contentType: "application/json",
	version:     "1.00",
	origin:      "PASS-JSON-JSON",
	read: func(body string) (wire.Value, error) {
		v, err := wire.Parse(body)
		if err == nil && v.Kind != wire.Object {
			err = wire.ErrSyntax
		}
		return v, err
	},
	unread: func(error) (code, data string) { return codeBadJSON, "invalid json" },
	write:  func(dst []byte, envelope wire.Fields) []byte { return envelope.Append(dst) },
}

var formatXML = format{
	contentType: "text/xml",
	version:     xmlblock.Version,
	origin:      "PASS-XML-XML",
	read:        xmlblock.Parse,
	unread: func(err error) (code, data string) {
		if errors.Is(err, xmlblock.ErrSchema) {
			return codeBadSchema, "invalid xml"
		}
		return codeBadXML, "invalid xml"
	},
	write: xmlblock.Append,
}
