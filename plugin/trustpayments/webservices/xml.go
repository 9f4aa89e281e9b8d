package webservices

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
	"unicode/utf8"
)

// xmlVersion is the version of the XML interface.
const xmlVersion = "3.67"

// xmlCodec is the older format.
type xmlCodec struct{}

func (xmlCodec) contentType() string { return "text/xml;charset=utf-8" }

type xmlEnvelope struct {
	XMLName  xml.Name     `xml:"requestblock"`
	Version  string       `xml:"version,attr"`
	Alias    string       `xml:"alias"`
	Requests []xmlRequest `xml:"request"`
}

type xmlRequest struct {
	Type string `xml:"type,attr"`
	Request
	Amount       *xmlAmount       `xml:"billing>amount"`
	Subscription *xmlSubscription `xml:"billing>subscription"`
}

type xmlAmount struct {
	Currency string `xml:"currencycode,attr,omitempty"`
	Base     string `xml:",chardata"`
}

type xmlSubscription struct {
	Type   string `xml:"type,attr,omitempty"`
	Number string `xml:"number,omitempty"`
}

// encode leaves the reference to the HTTP header: no element for it is
// published.
func (xmlCodec) encode(user, _ string, requests []Request) ([]byte, error) {
	env := xmlEnvelope{Version: xmlVersion, Alias: user, Requests: make([]xmlRequest, len(requests))}
	for i, r := range requests {
		x := xmlRequest{Type: r.Type, Request: r}
		if r.BaseAmount != "" || r.CurrencyISO3A != "" {
			x.Amount = &xmlAmount{Currency: r.CurrencyISO3A, Base: r.BaseAmount}
		}
		if r.SubscriptionType != "" || r.SubscriptionNumber != "" {
			x.Subscription = &xmlSubscription{Type: r.SubscriptionType, Number: r.SubscriptionNumber}
		}
		env.Requests[i] = x
	}
	body, err := xml.Marshal(env)
	return append([]byte(xml.Header), body...), err
}

// answerNames are the members of an answer or record by their path in XML.
// Elements and attributes that are missing here are read over. Not all are
// published: see the notes behind the last ones.
var answerNames = map[string]string{
	"/@type":                                "requesttypedescription",
	"/error/code":                           "errorcode",
	"/error/message":                        "errormessage",
	"/error/data":                           nameErrorData,
	"/transactionreference":                 "transactionreference",
	"/timestamp":                            "transactionstartedtimestamp",
	"/live":                                 "livestatus",
	"/authcode":                             "authcode",
	"/acquirerresponsecode":                 "acquirerresponsecode",
	"/acquirerresponsemessage":              "acquirerresponsemessage",
	"/acquireradvicecode":                   "acquireradvicecode",
	"/found":                                "found",
	"/operation/sitereference":              "sitereference",
	"/operation/accounttypedescription":     "accounttypedescription",
	"/operation/parenttransactionreference": "parenttransactionreference",
	"/operation/credentialsonfile":          "credentialsonfile",
	"/operation/authmethod":                 "authmethod",
	"/operation/schemereferencedata":        "schemereferencedata",
	"/merchant/orderreference":              "orderreference",
	"/merchant/operatorname":                "operatorname",
	"/billing/amount":                       "baseamount",
	"/billing/amount/@currencycode":         "currencyiso3a",
	"/billing/payment/@type":                "paymenttypedescription",
	"/billing/payment/pan":                  "maskedpan",
	"/billing/payment/expirydate":           "expirydate",
	"/billing/payment/issuercountry":        "issuercountryiso2a",
	"/billing/subscription/@type":           "subscriptiontype",
	"/billing/subscription/number":          "subscriptionnumber",
	"/settlement/settlestatus":              "settlestatus",
	"/settlement/settleduedate":             "settleduedate",
	"/settlement/settlebaseamount":          "settlebaseamount",
	"/security/address":                     "securityresponseaddress",
	"/security/postcode":                    "securityresponsepostcode",
	"/security/securitycode":                "securityresponsesecuritycode",
	"/other/redirecturl":                    "redirecturl",
	"/other/retrievalreferencenumber":       "retrievalreferencenumber",
	"/other/stan":                           "stan",

	"/operation/initiationreason":  "initiationreason", // as in requests, which is a guess too
	"/settlement/settledtimestamp": "settledtimestamp", // beside its status
	"/fraudrating":                 "fraudrating",      // a mere guess
}

// nameErrorData is the one member that is a list.
const nameErrorData = "errordata"

func (xmlCodec) decode(body []byte) (Answer, error) {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD")) // a bank's text, and no reason for doubt
	}
	r := &elementReader{tokens: xml.NewDecoder(bytes.NewReader(body))}
	var a Answer
	err := r.document("responseblock", func(start xml.StartElement) (err error) {
		switch start.Name.Local {
		case "requestreference":
			if a.RequestReference != "" {
				return errTwice
			}
			err = r.walk(start, "/", func(path, text string) error {
				if path == "/" {
					a.RequestReference = text
				}
				return nil
			})
		case "response":
			var e Element
			e, err = r.element(start)
			a.Elements = append(a.Elements, e)
		default:
			err = r.walk(start, "", nothing)
		}
		return err
	})
	return a, err
}

var errTwice = errors.New("a member occurs twice")

func nothing(string, string) error { return nil }

// element reads a response or record that was begun.
func (r *elementReader) element(start xml.StartElement) (Element, error) {
	e := Element{Fields: make(map[string]string, usualMembers)}
	take := func(path, text string) error {
		name, known := answerNames[path]
		switch {
		case !known:
		case name == nameErrorData:
			e.ErrorData = append(e.ErrorData, text)
		case e.Has(name):
			return errTwice
		default:
			e.Fields[name] = text
		}
		return nil
	}
	if err := attributes(start, "", take); err != nil {
		return e, err
	}
	err := r.children(func(below xml.StartElement) error {
		if below.Name.Local == "record" {
			record, err := r.element(below)
			e.Records = append(e.Records, record)
			return err
		}
		return r.walk(below, "/"+below.Name.Local, take)
	})
	return e, err
}

// walk reads an element that was begun, and gives each text and attribute in
// it with its path. An element that others lie in has no text, nor has an
// empty one that is there for its attributes.
func (r *elementReader) walk(start xml.StartElement, path string, take func(path, text string) error) error {
	if err := attributes(start, path, take); err != nil {
		return err
	}
	var text strings.Builder
	leaf := true
	for {
		token, err := r.next()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			leaf = false
			if err := r.walk(token, path+"/"+token.Name.Local, take); err != nil {
				return err
			}
		case xml.EndElement:
			if !leaf || text.Len() == 0 && len(start.Attr) > 0 {
				return nil
			}
			return take(path, text.String())
		}
	}
}

func attributes(start xml.StartElement, path string, take func(path, text string) error) error {
	for _, a := range start.Attr {
		if a.Name.Space != "" {
			continue
		}
		if err := take(path+"/@"+a.Name.Local, a.Value); err != nil {
			return err
		}
	}
	return nil
}
