package chargedb

import (
	"database/sql"
	"time"
)

// The rows, as the tables have them. What they mean stands with the domain types.

type orderRow struct {
	ID           string       `gorm:"column:id;primaryKey;autoIncrement:false"`
	ChannelID    string       `gorm:"column:channel_id"`
	Reference    string       `gorm:"column:reference"`
	PlacedAt     time.Time    `gorm:"column:placed_at"`
	ContentHash  string       `gorm:"column:content_hash"`
	CreatedAt    time.Time    `gorm:"column:created_at;autoCreateTime:false;autoUpdateTime:false"`
	CreatedBy    string       `gorm:"column:created_by"`
	CancelledAt  sql.NullTime `gorm:"column:cancelled_at"`
	CancelReason string       `gorm:"column:cancel_reason"`
}

func (orderRow) TableName() string { return "orders" }

type chargeRow struct {
	ID             string       `gorm:"column:id;primaryKey;autoIncrement:false"`
	OrderID        string       `gorm:"column:order_id"`
	ChannelID      string       `gorm:"column:channel_id"`
	FulfillerID    string       `gorm:"column:fulfiller_id"`
	LinkID         string       `gorm:"column:link_id"`
	Plugin         string       `gorm:"column:plugin"`
	Purpose        string       `gorm:"column:purpose"`
	AmountMinor    int64        `gorm:"column:amount_minor"`
	Currency       string       `gorm:"column:currency"`
	Stem           string       `gorm:"column:stem"`
	PlacedAt       time.Time    `gorm:"column:placed_at"`
	CancelledAt    sql.NullTime `gorm:"column:cancelled_at"`
	ConfirmedAt    sql.NullTime `gorm:"column:confirmed_at"`
	NoTold         bool         `gorm:"column:no_told"`
	YesTold        bool         `gorm:"column:yes_told"`
	Chosen         string       `gorm:"column:chosen"`
	State          string       `gorm:"column:state"`
	Produce        string       `gorm:"column:produce"`
	Reason         string       `gorm:"column:reason"`
	PersonCase     string       `gorm:"column:person_case"`
	Text           string       `gorm:"column:text"`
	Checks         int64        `gorm:"column:checks"`
	SinceCase      sql.NullTime `gorm:"column:since_case"`
	MendSince      sql.NullTime `gorm:"column:mend_since"`
	AccessFailedAt sql.NullTime `gorm:"column:access_failed_at"`
	LeaseOwner     string       `gorm:"column:lease_owner"`
	LeaseUntil     sql.NullTime `gorm:"column:lease_until"`
	Version        int64        `gorm:"column:version"`
	NextCheckAt    sql.NullTime `gorm:"column:next_check_at"`
	CheckedAt      time.Time    `gorm:"column:checked_at"`
	CreatedAt      time.Time    `gorm:"column:created_at;autoCreateTime:false;autoUpdateTime:false"`
	UpdatedAt      time.Time    `gorm:"column:updated_at;autoCreateTime:false;autoUpdateTime:false"`
}

func (chargeRow) TableName() string { return "charges" }

type attemptRow struct {
	ChargeID        string       `gorm:"column:charge_id;primaryKey;autoIncrement:false"`
	Number          int64        `gorm:"column:number;primaryKey;autoIncrement:false"`
	Reference       string       `gorm:"column:reference"`
	Stage           string       `gorm:"column:stage"`
	Settle          string       `gorm:"column:settle"`
	Mode            string       `gorm:"column:mode"`
	Endpoint        string       `gorm:"column:endpoint"`
	Site            string       `gorm:"column:site"`
	User            string       `gorm:"column:user"`
	Stored          string       `gorm:"column:stored"`
	Sequence        int64        `gorm:"column:sequence"`
	SettingsVersion string       `gorm:"column:settings_version"`
	PlannedAt       time.Time    `gorm:"column:planned_at"`
	StartedAt       sql.NullTime `gorm:"column:started_at"`
	SendBefore      sql.NullTime `gorm:"column:send_before"`
	AnsweredAt      sql.NullTime `gorm:"column:answered_at"`
	Outcome         string       `gorm:"column:outcome"`
	Decline         string       `gorm:"column:decline"`
	Fault           string       `gorm:"column:fault"`
	Code            string       `gorm:"column:code"`
	Reason          string       `gorm:"column:reason"`
	Looks           int64        `gorm:"column:looks"`
	FirstLook       sql.NullTime `gorm:"column:first_look"`
	LastLook        sql.NullTime `gorm:"column:last_look"`
	ControlFailedAt sql.NullTime `gorm:"column:control_failed_at"`
	AbsentAt        sql.NullTime `gorm:"column:absent_at"`
	WatchedAt       sql.NullTime `gorm:"column:watched_at"`
}

func (attemptRow) TableName() string { return "attempts" }

type recordRow struct {
	ChargeID      string       `gorm:"column:charge_id;primaryKey;autoIncrement:false"`
	TransactionID string       `gorm:"column:transaction_id;primaryKey;autoIncrement:false"`
	Endpoint      string       `gorm:"column:endpoint"`
	Parent        string       `gorm:"column:parent"`
	Reference     string       `gorm:"column:reference"`
	Kind          string       `gorm:"column:kind"`
	AmountMinor   int64        `gorm:"column:amount_minor"`
	Currency      string       `gorm:"column:currency"`
	Status        string       `gorm:"column:status"`
	Outcome       string       `gorm:"column:outcome"`
	Decline       string       `gorm:"column:decline"`
	Fault         string       `gorm:"column:fault"`
	Code          string       `gorm:"column:code"`
	Message       string       `gorm:"column:message"`
	Site          string       `gorm:"column:site"`
	User          string       `gorm:"column:user"`
	Mode          string       `gorm:"column:mode"`
	Card          string       `gorm:"column:card"`
	Scheme        string       `gorm:"column:scheme"`
	Expiry        string       `gorm:"column:expiry"`
	StartedAt     sql.NullTime `gorm:"column:started_at"`
	SettleDue     sql.NullTime `gorm:"column:settle_due"`
	SettledAt     sql.NullTime `gorm:"column:settled_at"`
	Asked         string       `gorm:"column:asked"`
	Matches       bool         `gorm:"column:matches"`
	Adjust        string       `gorm:"column:adjust"`
	AdjustAt      sql.NullTime `gorm:"column:adjust_at"`
	AdjustTry     int64        `gorm:"column:adjust_try"`
	Accepted      bool         `gorm:"column:accepted"`
	ReleasedAt    sql.NullTime `gorm:"column:released_at"`
	ConfirmedAt   sql.NullTime `gorm:"column:confirmed_at"`
	CancelAt      sql.NullTime `gorm:"column:cancel_at"`
	SeenAt        time.Time    `gorm:"column:seen_at"`
}

func (recordRow) TableName() string { return "records" }

type evidenceRow struct {
	ID           string    `gorm:"column:id;primaryKey;autoIncrement:false"`
	ChargeID     string    `gorm:"column:charge_id"`
	Number       int64     `gorm:"column:number"`
	Class        string    `gorm:"column:class"`
	At           time.Time `gorm:"column:at"`
	ByWhom       string    `gorm:"column:by_whom"`
	Text         string    `gorm:"column:text"`
	Body         string    `gorm:"column:body"`
	TableVersion int64     `gorm:"column:table_version"`
	Version      int64     `gorm:"column:version"`
	State        string    `gorm:"column:state"`
	Produce      string    `gorm:"column:produce"`
}

func (evidenceRow) TableName() string { return "evidence" }

type entryRow struct {
	ID            string    `gorm:"column:id;primaryKey;autoIncrement:false"`
	At            time.Time `gorm:"column:at"`
	ChargeID      string    `gorm:"column:charge_id"`
	FulfillerID   string    `gorm:"column:fulfiller_id"`
	LinkID        string    `gorm:"column:link_id"`
	TransactionID string    `gorm:"column:transaction_id"`
	Site          string    `gorm:"column:site"`
	Debit         string    `gorm:"column:debit"`
	Credit        string    `gorm:"column:credit"`
	AmountMinor   int64     `gorm:"column:amount_minor"`
	Currency      string    `gorm:"column:currency"`
}

func (entryRow) TableName() string { return "ledger_entries" }

type eventRow struct {
	ID          string    `gorm:"column:id;primaryKey;autoIncrement:false"`
	Type        string    `gorm:"column:type"`
	At          time.Time `gorm:"column:at"`
	OrderID     string    `gorm:"column:order_id"`
	ChannelID   string    `gorm:"column:channel_id"`
	FulfillerID string    `gorm:"column:fulfiller_id"`
	ChargeID    string    `gorm:"column:charge_id"`
	Version     int64     `gorm:"column:version"`
	State       string    `gorm:"column:state"`
	Produce     string    `gorm:"column:produce"`
	Reason      string    `gorm:"column:reason"`
}

func (eventRow) TableName() string { return "events" }

type pauseRow struct {
	Scope       string    `gorm:"column:scope;primaryKey;autoIncrement:false"`
	ScopeKey    string    `gorm:"column:scope_key;primaryKey;autoIncrement:false"`
	LinkID      string    `gorm:"column:link_id"`
	FulfillerID string    `gorm:"column:fulfiller_id"`
	Plugin      string    `gorm:"column:plugin"`
	Code        string    `gorm:"column:code"`
	Text        string    `gorm:"column:text"`
	Since       time.Time `gorm:"column:since"`
	Probes      int64     `gorm:"column:probes"`
	NextProbeAt time.Time `gorm:"column:next_probe_at"`
}

func (pauseRow) TableName() string { return "pauses" }

type siteRow struct {
	SiteKey      string       `gorm:"column:site_key;primaryKey;autoIncrement:false"`
	ProvenAt     sql.NullTime `gorm:"column:proven_at"`
	FailingSince sql.NullTime `gorm:"column:failing_since"`
}

func (siteRow) TableName() string { return "sites" }

type sequenceRow struct {
	LinkID string `gorm:"column:link_id;primaryKey;autoIncrement:false"`
	Stored string `gorm:"column:stored;primaryKey;autoIncrement:false"`
	Next   int64  `gorm:"column:next"`
}

func (sequenceRow) TableName() string { return "sequences" }
