package webservices

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The types of request that this package knows how to send.
const (
	TypeAuth              = "AUTH"
	TypeAccountCheck      = "ACCOUNTCHECK"
	TypeRefund            = "REFUND"
	TypeTransactionQuery  = "TRANSACTIONQUERY"
	TypeTransactionUpdate = "TRANSACTIONUPDATE"
	// TypeError is the type of an answer to a request that failed before it
	// became what it asked to be.
	TypeError = "ERROR"
)

// MaxElements bounds the request elements of one call.
const MaxElements = 100

// envelopeVersion is the version of the JSON interface.
const envelopeVersion = "1.00"

// Request is one request element. All values travel as strings, and empty
// ones not at all. Card numbers, security codes and the like have no field
// here on purpose.
type Request struct {
	Type                       string   `json:"-"` // TypeX
	SiteReference              string   `json:"sitereference,omitempty"`
	AccountTypeDescription     string   `json:"accounttypedescription,omitempty"`
	ParentTransactionReference string   `json:"parenttransactionreference,omitempty"`
	BaseAmount                 string   `json:"baseamount,omitempty"`
	CurrencyISO3A              string   `json:"currencyiso3a,omitempty"`
	OrderReference             string   `json:"orderreference,omitempty"`
	CredentialsOnFile          string   `json:"credentialsonfile,omitempty"`
	InitiationReason           string   `json:"initiationreason,omitempty"`
	SubscriptionType           string   `json:"subscriptiontype,omitempty"`
	SubscriptionNumber         string   `json:"subscriptionnumber,omitempty"`
	SettleStatus               string   `json:"settlestatus,omitempty"`
	Filter                     *Filter  `json:"filter,omitempty"`
	Updates                    *Updates `json:"updates,omitempty"`
}

// Filter picks the transactions that a query or an update is about: values of
// one field are alternatives, fields add up.
type Filter struct {
	SiteReference        Values `json:"sitereference,omitempty"`
	TransactionReference Values `json:"transactionreference,omitempty"`
	OrderReference       Values `json:"orderreference,omitempty"`
	// StartTimestamp and EndTimestamp, one value each, bound the time at which
	// a transaction was started: see Timestamp.
	StartTimestamp Values `json:"starttimestamp,omitempty"`
	EndTimestamp   Values `json:"endtimestamp,omitempty"`
}

// Timestamp is the filter for a time. The wire knows whole seconds, in GMT.
func Timestamp(t time.Time) Values { return Values{t.UTC().Format(time.DateTime)} }

// Updates is what an update changes.
type Updates struct {
	SettleStatus string `json:"settlestatus,omitempty"`
}

// Values is a filter's list of alternatives; the wire wants objects.
type Values []string

// MarshalJSON writes [{"value": ...}, ...].
func (v Values) MarshalJSON() ([]byte, error) {
	type value struct {
		Value string `json:"value"`
	}
	list := make([]value, len(v))
	for i, s := range v {
		list[i].Value = s
	}
	return json.Marshal(list)
}

type wireRequest struct {
	Types     []string `json:"requesttypedescriptions,omitempty"`
	Type      string   `json:"requesttypedescription,omitempty"`
	Reference string   `json:"requestreference"`
	Request
}

type wireEnvelope struct {
	Alias   string        `json:"alias"`
	Version string        `json:"version"`
	Request []wireRequest `json:"request"`
}

// encode builds the body of a call. A lone element carries the call's own
// reference and names its type in a list; of several each has a reference of
// its own and names its type as text, which is how the gateway's libraries do it.
func encode(user, reference string, requests []Request) ([]byte, error) {
	if len(requests) == 0 {
		return nil, errors.New("no request element")
	}
	if len(requests) > MaxElements {
		return nil, fmt.Errorf("%d request elements; the most is %d", len(requests), MaxElements)
	}
	env := wireEnvelope{Alias: user, Version: envelopeVersion, Request: make([]wireRequest, len(requests))}
	for i, r := range requests {
		w := wireRequest{Request: r, Reference: reference}
		if len(requests) == 1 {
			w.Types = []string{r.Type}
		} else {
			w.Type, w.Reference = r.Type, newReference()
		}
		env.Request[i] = w
	}
	return json.Marshal(env)
}
