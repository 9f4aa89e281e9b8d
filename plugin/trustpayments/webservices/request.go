package webservices

import (
	"encoding/json"
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

// Request is one request element. All values travel as strings, and empty
// ones not at all. Card numbers, security codes and the like have no field
// here on purpose.
//
// In XML an element holds what stands together here; what shares an element
// as text and attribute is put there by the format.
type Request struct {
	Type                       string   `json:"-" xml:"-"` // TypeX
	SiteReference              string   `json:"sitereference,omitempty" xml:"operation>sitereference,omitempty"`
	AccountTypeDescription     string   `json:"accounttypedescription,omitempty" xml:"operation>accounttypedescription,omitempty"`
	ParentTransactionReference string   `json:"parenttransactionreference,omitempty" xml:"operation>parenttransactionreference,omitempty"`
	CredentialsOnFile          string   `json:"credentialsonfile,omitempty" xml:"operation>credentialsonfile,omitempty"`
	InitiationReason           string   `json:"initiationreason,omitempty" xml:"operation>initiationreason,omitempty"`
	OrderReference             string   `json:"orderreference,omitempty" xml:"merchant>orderreference,omitempty"`
	SettleStatus               string   `json:"settlestatus,omitempty" xml:"settlement>settlestatus,omitempty"`
	BaseAmount                 string   `json:"baseamount,omitempty" xml:"-"`
	CurrencyISO3A              string   `json:"currencyiso3a,omitempty" xml:"-"`
	SubscriptionType           string   `json:"subscriptiontype,omitempty" xml:"-"`
	SubscriptionNumber         string   `json:"subscriptionnumber,omitempty" xml:"-"`
	Filter                     *Filter  `json:"filter,omitempty" xml:"filter"`
	Updates                    *Updates `json:"updates,omitempty" xml:"updates"`
}

// Filter picks the transactions that a query or an update is about: values of
// one field are alternatives, fields add up.
type Filter struct {
	SiteReference        Values `json:"sitereference,omitempty" xml:"sitereference"`
	TransactionReference Values `json:"transactionreference,omitempty" xml:"transactionreference"`
	OrderReference       Values `json:"orderreference,omitempty" xml:"orderreference"`
	// StartTimestamp and EndTimestamp, one value each, bound the time at which
	// a transaction was started: see Timestamp.
	StartTimestamp Values `json:"starttimestamp,omitempty" xml:"starttimestamp"`
	EndTimestamp   Values `json:"endtimestamp,omitempty" xml:"endtimestamp"`
}

// Timestamp is the filter for a time. The wire knows whole seconds, in GMT.
func Timestamp(t time.Time) Values { return Values{t.UTC().Format(time.DateTime)} }

// Updates is what an update changes.
type Updates struct {
	SettleStatus string `json:"settlestatus,omitempty" xml:"settlement>settlestatus,omitempty"`
}

// Values is a filter's list of alternatives. JSON wants objects, XML an
// element for each.
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
