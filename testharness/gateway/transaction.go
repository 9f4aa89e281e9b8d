package gateway

import "time"

// Settle statuses.
const (
	StatusPending   = 0   // authorised, settles by itself
	StatusManual    = 1   // as pending, checks bypassed
	StatusSuspended = 2   // authorised, settles only once released
	StatusCancelled = 3   // cancelled, declined or failed
	StatusSettling  = 10  // handed to the bank
	StatusSettled   = 100 // the money moved
)

// Request types that are processed.
const (
	typeAuth         = "AUTH"
	typeAccountCheck = "ACCOUNTCHECK"
	typeRefund       = "REFUND"
	typeSubscription = "SUBSCRIPTION"
	typeStore        = "STORE"
	typeCacheToken   = "CACHETOKENISE"
	typeThreeDQuery  = "THREEDQUERY"
	typeRiskDec      = "RISKDEC"
	typeCurrencyRate = "CURRENCYRATE"
	typeOrder        = "ORDER"
	typeOrderDetails = "ORDERDETAILS"
	typeIdentity     = "IDSTANDARD"
	typeQuery        = "TRANSACTIONQUERY"
	typeUpdate       = "TRANSACTIONUPDATE"
	typeError        = "ERROR"
)

// Codes that the rules give.
const (
	codeOK                 = "0"
	codeBadXML             = "10200"
	codeBadSchema          = "10201"
	codeBadJSON            = "10205"
	codeNoParent           = "20004"
	codeRefundEarly        = "20005"
	codeRefundParent       = "20006"
	codeRefundTooBig       = "20007"
	codeRepeatTooBig       = "20009"
	codeRefundDeclined     = "20011"
	codeRefundUnsettled    = "20012"
	codeCurrency           = "20015"
	codeNoRecurAccount     = "20018"
	codeSubscriptionFailed = "20019"
	codeRiskParent         = "20020"
	codeRefundTooSmall     = "20022"
	codeNoRepeats          = "20028"
	codeSubscriptionParent = "20032"
	codeInvalidParent      = "20033"
	codeNoRefunds          = "20034"
	codeNoRight            = "21041"
	codeInvalidField       = "30000"
	codeUnknownSite        = "30001"
	codeSiteNotAlias       = "30006"
	codeNoChanges          = "30015"
	codeNoAccount          = "40000"
	codeRefundRefused      = "40001"
	codeBankError          = "60010"
	codeNoUpdates          = "60013"
	codeNotFound           = "60014"
	codeSettleAmountTooBig = "60016"
	codeNotUpdatable       = "60017"
	codeBadType            = "60018"
	codeNoFilter           = "60019"
	codeUnauthenticated    = "60022"
	codeSiteSuspended      = "60023"
	codeNothingDone        = "60024"
	codeBadUpdates         = "60033"
	codeBadFilters         = "60037"
	codeBothTypes          = "60040"
	codeDecline            = "70000"
	codeUnknown            = "99999"
)

// transaction is one request that was booked, with what the bank really came to.
// What callers are shown may differ for a while: see shown.
type transaction struct {
	ref, parent, order     string
	site, user, kind       string
	account, currency      string
	amount                 int64 // minor units
	code                   string
	answered               string // the code in the answer to the caller
	status                 int
	card                   card
	expiry                 string // MM/YYYY
	authCode, acquirerCode string
	credentialsOnFile      string
	subscriptionType       string
	subscriptionNumber     string
	authMethod             string
	origin                 string // the interface field
	checks                 [3]string
	live                   bool
	started, due, settled  time.Time // due is the start of a day
	visible                time.Time // queries find it from then on
	doubt                  time.Time // until then shown as 60010; forever is far ahead
	stale                  time.Time // until then shown with staleStatus
	staleStatus            int
	history                []Change
	heldUntil              time.Time
	message                string // acquirerresponsemessage
	lowered                int64  // settlebaseamount, if it was updated
	notes                  []detail
	plan                   *plan // of a SUBSCRIPTION; replaced, never changed
	details                []detail
	transfer               *transfer // of bank transfers; replaced, never changed
	watched                bool      // it is in the book's open list
	// told is how much of the history was announced; 0 is nothing, not even that
	// there is this transaction.
	told int
}

// Change is one change of a settle status.
type Change struct {
	At   time.Time `json:"at"`
	From int       `json:"from"`
	To   int       `json:"to"`
	// By is the user, "batch" or "lapse".
	By string `json:"by"`
}

// forever is the end of what never ends.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// shown is the code and settle status that a record shows at that time.
func (t *transaction) shown(now time.Time) (code string, status int) {
	switch {
	case now.Before(t.doubt):
		return codeBankError, StatusCancelled
	case now.Before(t.stale):
		return t.code, t.staleStatus
	default:
		return t.code, t.status
	}
}

// move changes the settle status and writes it into the history.
func (t *transaction) move(to int, at time.Time, by string) {
	t.history = append(t.history, Change{At: at, From: t.status, To: to, By: by})
	t.status = to
}

// moves tells whether time alone may still change the settle status.
func (t *transaction) moves() bool {
	switch {
	case !kinds[t.kind].money, t.status == StatusSettled:
		return false
	case t.status == StatusCancelled:
		return t.transfer != nil && t.transfer.Decision == BankAgree
	default:
		return true
	}
}

// settles tells whether the next batch moves the money. What waits for a
// customer at the bank does not settle by itself, and what the customer agreed
// to settles even after it was cancelled.
func (t *transaction) settles() bool {
	if t.transfer != nil {
		return t.transfer.Decision == BankAgree
	}
	return t.status == StatusSettling
}

// toSettle is the amount that settles: all, unless an update lowered it.
func (t *transaction) toSettle() int64 {
	if t.lowered > 0 {
		return t.lowered
	}
	return t.amount
}

// holdLimit is how long a suspended authorisation lives.
func holdLimit(authMethod string) time.Duration {
	if authMethod == "PRE" {
		return 31 * day
	}
	return 7 * day
}

const day = 24 * time.Hour

// Entry is a transaction as the ledger shows it: what really happened, which
// is not always what callers were told.
type Entry struct {
	TransactionReference string `json:"transactionreference"`
	Parent               string `json:"parenttransactionreference,omitempty"`
	OrderReference       string `json:"orderreference"`
	Site                 string `json:"sitereference"`
	User                 string `json:"user"`
	Type                 string `json:"type"`
	Account              string `json:"accounttypedescription"`
	// Amount in minor units of Currency (ISO 4217).
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	// SettleAmount is what settles of it: less, if an update lowered it.
	SettleAmount int64 `json:"settlebaseamount"`
	// ErrorCode is what the bank came to, AnsweredCode what the caller's
	// answer carried, whether or not it arrived.
	ErrorCode    string     `json:"errorcode"`
	AnsweredCode string     `json:"answered_errorcode"`
	SettleStatus int        `json:"settlestatus"`
	Started      time.Time  `json:"started"`
	DueDate      string     `json:"settleduedate"`
	Settled      *time.Time `json:"settled,omitempty"`
	PaymentType  string     `json:"paymenttypedescription,omitempty"`
	MaskedPAN    string     `json:"maskedpan"`
	ExpiryDate   string     `json:"expirydate"`
	Live         bool       `json:"live,omitempty"`
	History      []Change   `json:"history"`
}

func (t *transaction) entry() Entry {
	e := Entry{
		TransactionReference: t.ref, Parent: t.parent, OrderReference: t.order, Site: t.site, User: t.user, Type: t.kind,
		Account: t.account, Amount: t.amount, SettleAmount: t.toSettle(), Currency: t.currency, ErrorCode: t.code, AnsweredCode: t.answered,
		SettleStatus: t.status, Started: t.started, DueDate: t.due.Format(time.DateOnly), MaskedPAN: t.card.masked,
		PaymentType: t.card.paymentType, ExpiryDate: t.expiry, Live: t.live, History: append([]Change{}, t.history...),
	}
	if !t.settled.IsZero() {
		settled := t.settled
		e.Settled = &settled
	}
	return e
}
