package xmlblock

import (
	"maps"
	"strings"
)

// A row says where a JSON member lies below request, response and record.
// "@" marks an attribute.
type row struct{ name, path string }

// inBoth are the members that requests and answers have at the same place.
// Where that place is public is told apart from where it is a guess by the
// blocks below.
var inBoth = []row{
	{"requesttypedescription", "@type"},

	{"sitereference", "operation/sitereference"},
	{"accounttypedescription", "operation/accounttypedescription"},
	{"parenttransactionreference", "operation/parenttransactionreference"},
	{"authmethod", "operation/authmethod"},
	{"credentialsonfile", "operation/credentialsonfile"},
	{"schemereferencedata", "operation/schemereferencedata"},

	{"orderreference", "merchant/orderreference"},
	{"chargedescription", "merchant/chargedescription"},
	{"customfield1", "merchant/customfield1"},
	{"customfield2", "merchant/customfield2"},
	{"customfield3", "merchant/customfield3"},
	{"customfield4", "merchant/customfield4"},
	{"customfield5", "merchant/customfield5"},
	{"operatorname", "merchant/operatorname"},
	{"merchantemail", "merchant/email"},
	{"merchantname", "merchant/merchantname"},
	{"merchantnumber", "merchant/merchantnumber"},
	{"merchantcountryiso2a", "merchant/merchantcountryiso2a"},
	{"merchantcategorycode", "merchant/merchantcategorycode"},
	{"merchantcity", "merchant/merchantcity"},
	{"merchantzipcode", "merchant/merchantzipcode"},
	{"debtrepayment", "merchant/debtrepayment"},
	{"successfulurlredirect", "merchant/successfulurlredirect"},
	{"errorurlredirect", "merchant/errorurlredirect"},

	{"baseamount", "billing/amount"},
	{"currencyiso3a", "billing/amount/@currencycode"},
	{"paymenttypedescription", "billing/payment/@type"},
	{"expirydate", "billing/payment/expirydate"},
	{"startdate", "billing/payment/startdate"},
	{"issuenumber", "billing/payment/issuenumber"},
	{"subscriptiontype", "billing/subscription/@type"},
	{"subscriptionnumber", "billing/subscription/number"},
	{"billingprefixname", "billing/name/prefix"},
	{"billingfirstname", "billing/name/first"},
	{"billingmiddlename", "billing/name/middle"},
	{"billinglastname", "billing/name/last"},
	{"billingsuffixname", "billing/name/suffix"},
	{"billingpremise", "billing/premise"},
	{"billingstreet", "billing/street"},
	{"billingtown", "billing/town"},
	{"billingcounty", "billing/county"},
	{"billingpostcode", "billing/postcode"},
	{"billingcountryiso2a", "billing/country"},
	{"billingemail", "billing/email"},
	{"billingtelephone", "billing/telephone"},
	{"billingtelephonetype", "billing/telephone/@type"},
	{"billingdob", "billing/dob"},
	{"nationalid", "billing/nationalid"},

	{"customerip", "customer/ip"},
	{"customerforwardedip", "customer/forwardedip"},
	{"customerprefixname", "customer/name/prefix"},
	{"customerfirstname", "customer/name/first"},
	{"customermiddlename", "customer/name/middle"},
	{"customerlastname", "customer/name/last"},
	{"customersuffixname", "customer/name/suffix"},
	{"customerpremise", "customer/premise"},
	{"customerstreet", "customer/street"},
	{"customertown", "customer/town"},
	{"customercounty", "customer/county"},
	{"customerpostcode", "customer/postcode"},
	{"customercountryiso2a", "customer/country"},
	{"customeremail", "customer/email"},
	{"customertelephone", "customer/telephone"},
	{"customertelephonetype", "customer/telephone/@type"},
	{"customerdob", "customer/dob"},
	{"customeraccountnumber", "customer/accountnumber"},
	{"customeraccountnumbertype", "customer/accountnumber/@type"},

	{"settlestatus", "settlement/settlestatus"},
	{"settleduedate", "settlement/settleduedate"},
	{"settlebaseamount", "settlement/settlebaseamount"},
	{"settlemainamount", "settlement/settlemainamount"},

	{"enrolled", "threedsecure/enrolled"},
	{"status", "threedsecure/status"},
	{"xid", "threedsecure/xid"},
	{"cavv", "threedsecure/cavv"},
	{"eci", "threedsecure/eci"},

	// Guesses: nobody outside has seen these in XML.
	{"initiationreason", "operation/initiationreason"},
	{"mainamount", "billing/mainamount"},
	{"subscriptionunit", "billing/subscription/unit"},
	{"subscriptionfrequency", "billing/subscription/frequency"},
	{"subscriptionfinalnumber", "billing/subscription/finalnumber"},
	{"subscriptionbegindate", "billing/subscription/begindate"},
	{"transactionactive", "billing/subscription/active"},
	{"cachetoken", "operation/cachetoken"},
	{"paypaltoken", "other/paypaltoken"},
	{"paypalpayerid", "other/paypalpayerid"},
	{"dccbaseamount", "billing/dcc/amount"},
	{"dcccurrencyiso3a", "billing/dcc/amount/@currencycode"},
	{"dcctype", "billing/dcc/@type"},
}

// inRequests are the members that only requests have, or have elsewhere.
var inRequests = []row{
	{"pan", "billing/payment/pan"},
	{"securitycode", "billing/payment/securitycode"},
	{"md", "operation/md"},
	{"pares", "operation/pares"},
	{"termurl", "merchant/termurl"},
	{"accept", "customer/accept"},
	{"useragent", "customer/useragent"},

	// Guesses.
	{"requestreference", "requestreference"},
	{"acceptcustomeroutput", "acceptcustomeroutput"},
	{"expirymonth", "billing/payment/expirymonth"},
	{"expiryyear", "billing/payment/expiryyear"},
	{"achaba", "billing/payment/achaba"},
	{"achaccountnumber", "billing/payment/achaccountnumber"},
	{"achchecknumber", "billing/payment/achchecknumber"},
	{"achtype", "billing/payment/achtype"},
	{"returnurl", "merchant/returnurl"},
	{"cancelurl", "merchant/cancelurl"},
	{"successfulurlnotification", "merchant/successfulurlnotification"},
	{"declinedurlnotification", "merchant/declinedurlnotification"},
	{"allurlnotification", "merchant/allurlnotification"},
}

// inAnswers are the members that only answers and records have, or have
// elsewhere.
var inAnswers = []row{
	{"errorcode", "error/code"},
	{"errormessage", "error/message"},
	{"errordata", "error/data"},
	{"transactionreference", "transactionreference"},
	{"transactionstartedtimestamp", "timestamp"},
	{"livestatus", "live"},
	{"authcode", "authcode"},
	{"acquirerresponsecode", "acquirerresponsecode"},
	{"acquirerresponsemessage", "acquirerresponsemessage"},
	{"acquireradvicecode", "acquireradvicecode"},
	{"acquirertransactionreference", "acquirertransactionreference"},
	{"acquirersecret", "acquirersecret"},
	{"maskedpan", "billing/payment/pan"},
	{"issuer", "billing/payment/issuer"},
	{"issuercountryiso2a", "billing/payment/issuercountry"},
	{"dccenabled", "billing/dcc/@enabled"},
	{"securityresponseaddress", "security/address"},
	{"securityresponsepostcode", "security/postcode"},
	{"securityresponsesecuritycode", "security/securitycode"},
	{"tid", "merchant/tid"},
	{"splitfinalnumber", "operation/splitfinalnumber"},
	{"redirecturl", "other/redirecturl"},
	{"retrievalreferencenumber", "other/retrievalreferencenumber"},
	{"stan", "other/stan"},
	{"acsurl", "threedsecure/acsurl"},
	{"md", "threedsecure/md"},
	{"pareq", "threedsecure/pareq"},
	{"termurl", "threedsecure/termurl"},
	{"found", "found"},

	// Guesses.
	{"settledtimestamp", "settlement/settledtimestamp"},
	{"interface", "operation/interface"},
	{"fraudrating", "fraudrating"},
	{"customeroutput", "customeroutput"},
	{"paypaladdressstatus", "other/paypaladdressstatus"},
	{"paypalpayerstatus", "other/paypalpayerstatus"},
	{"paypaltransactionid", "other/paypaltransactionid"},
	{"dccconversionrate", "billing/dcc/conversionrate"},
	{"dccconversionratesource", "billing/dcc/conversionratesource"},
	{"dccmarginratepercentage", "billing/dcc/marginratepercentage"},
	{"fraudcontrolshieldstatuscode", "fraudcontrol/shieldstatuscode"},
	{"fraudcontrolresponsecode", "fraudcontrol/responsecode"},
	{"fraudcontrolreference", "fraudcontrol/reference"},
	{"identitycheckresult", "identitycheck/result"},
}

// place is a node of the table as a tree: an element that is known.
type place struct {
	name  string // of the JSON member that its text is, if any
	below map[string]*place
}

// at is the element or attribute below, nil if it is unknown. A nil place has
// nothing below.
func (p *place) at(name string) *place {
	if p == nil {
		return nil
	}
	return p.below[name]
}

func tree(tables ...[]row) *place {
	root := &place{}
	for _, rows := range tables {
		for _, r := range rows {
			p := root
			for step := range strings.SplitSeq(r.path, "/") {
				if p.below == nil {
					p.below = map[string]*place{}
				}
				if p.below[step] == nil {
					p.below[step] = &place{}
				}
				p = p.below[step]
			}
			p.name = r.name
		}
	}
	return root
}

func paths(tables ...[]row) map[string]string {
	out := map[string]string{}
	for _, rows := range tables {
		for _, r := range rows {
			out[r.name] = r.path
		}
	}
	return out
}

var (
	requestTree  = tree(inBoth, inRequests)
	requestPaths = paths(inBoth, inRequests)
	answerPaths  = paths(inBoth, inAnswers)
)

// RequestPaths tells for each member of a request where it lies below request.
func RequestPaths() map[string]string { return maps.Clone(requestPaths) }

// AnswerPaths tells for each member of an answer or record where it lies below
// response or record.
func AnswerPaths() map[string]string { return maps.Clone(answerPaths) }
