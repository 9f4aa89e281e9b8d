-- +goose Up

-- Orders, by the platform's name within their sales channel.
CREATE TABLE orders (
    "id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "placed_at" DATETIME NOT NULL,
    "content_hash" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL,
    "created_by" TEXT NOT NULL,
    "cancelled_at" DATETIME NULL,
    "cancel_reason" TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT orders_name UNIQUE (channel_id, reference),
    FOREIGN KEY (channel_id) REFERENCES companies (id)
);

-- What an order owes one fulfiller.
CREATE TABLE charges (
    "id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "fulfiller_id" TEXT NOT NULL,
    "link_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "currency" TEXT NOT NULL,
    "stem" TEXT NOT NULL,
    "placed_at" DATETIME NOT NULL,
    "cancelled_at" DATETIME NULL,
    "no_told" BOOLEAN NOT NULL,
    "yes_told" BOOLEAN NOT NULL,
    "chosen" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "produce" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "person_case" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "checks" INTEGER NOT NULL,
    "since_case" DATETIME NULL,
    "mend_since" DATETIME NULL,
    "access_failed_at" DATETIME NULL,
    "lease_owner" TEXT NOT NULL,
    "lease_until" DATETIME NULL,
    "version" INTEGER NOT NULL,
    "next_check_at" DATETIME NULL,
    "checked_at" DATETIME NOT NULL,
    "created_at" DATETIME NOT NULL,
    "updated_at" DATETIME NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT charges_obligation UNIQUE (order_id, fulfiller_id, purpose),
    CHECK (amount_minor > 0),
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (link_id) REFERENCES links (id)
);
CREATE INDEX charges_due ON charges (next_check_at);
CREATE INDEX charges_turn ON charges (state, fulfiller_id, created_at);
CREATE INDEX charges_fulfiller ON charges (fulfiller_id, id);
CREATE INDEX charges_person ON charges (person_case, since_case);

-- Every try to collect a charge, with what it was sent with.
CREATE TABLE attempts (
    "charge_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "reference" TEXT NOT NULL,
    "stage" TEXT NOT NULL,
    "settle" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "user" TEXT NOT NULL,
    "stored" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "settings_version" TEXT NOT NULL,
    "planned_at" DATETIME NOT NULL,
    "started_at" DATETIME NULL,
    "send_before" DATETIME NULL,
    "answered_at" DATETIME NULL,
    "outcome" TEXT NOT NULL,
    "decline" TEXT NOT NULL,
    "fault" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "looks" INTEGER NOT NULL,
    "first_look" DATETIME NULL,
    "last_look" DATETIME NULL,
    "control_failed_at" DATETIME NULL,
    "absent_at" DATETIME NULL,
    "watched_at" DATETIME NULL,
    PRIMARY KEY (charge_id, number),
    CONSTRAINT attempts_reference UNIQUE (reference),
    FOREIGN KEY (charge_id) REFERENCES charges (id)
);

-- What the gateway is known to hold, and what was asked for it.
CREATE TABLE records (
    "charge_id" TEXT NOT NULL,
    "transaction_id" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "parent" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "currency" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "decline" TEXT NOT NULL,
    "fault" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "user" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "card" TEXT NOT NULL,
    "scheme" TEXT NOT NULL,
    "expiry" TEXT NOT NULL,
    "started_at" DATETIME NULL,
    "settle_due" DATETIME NULL,
    "settled_at" DATETIME NULL,
    "asked" TEXT NOT NULL,
    "matches" BOOLEAN NOT NULL,
    "adjust" TEXT NOT NULL,
    "adjust_at" DATETIME NULL,
    "adjust_try" INTEGER NOT NULL,
    "accepted" BOOLEAN NOT NULL,
    "released_at" DATETIME NULL,
    "confirmed_at" DATETIME NULL,
    "cancel_at" DATETIME NULL,
    "seen_at" DATETIME NOT NULL,
    PRIMARY KEY (charge_id, transaction_id)
);
CREATE INDEX records_transaction ON records (site, transaction_id);
CREATE INDEX records_known ON records (site, seen_at);

-- All that was learnt about a charge. Rows are only ever added.
CREATE TABLE evidence (
    "id" TEXT NOT NULL,
    "charge_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "class" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "by_whom" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "table_version" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "produce" TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX evidence_charge ON evidence (charge_id, version);

-- Every movement of money, from credit to debit. Rows are only ever added.
CREATE TABLE ledger_entries (
    "id" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "charge_id" TEXT NOT NULL,
    "fulfiller_id" TEXT NOT NULL,
    "link_id" TEXT NOT NULL,
    "transaction_id" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "debit" TEXT NOT NULL,
    "credit" TEXT NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "currency" TEXT NOT NULL,
    PRIMARY KEY (id),
    CHECK (amount_minor > 0)
);
CREATE INDEX ledger_entries_charge ON ledger_entries (charge_id);
CREATE INDEX ledger_entries_fulfiller ON ledger_entries (fulfiller_id, at);

-- What the platform is told. Rows are only ever added.
CREATE TABLE events (
    "id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "order_id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "fulfiller_id" TEXT NOT NULL,
    "charge_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "produce" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX events_charge ON events (charge_id, version);

-- What new attempts wait for.
CREATE TABLE pauses (
    "scope" TEXT NOT NULL,
    "scope_key" TEXT NOT NULL,
    "link_id" TEXT NOT NULL,
    "fulfiller_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "since" DATETIME NOT NULL,
    "probes" INTEGER NOT NULL,
    "next_probe_at" DATETIME NOT NULL,
    PRIMARY KEY (scope, scope_key)
);

-- Whether releases are known to work on a site.
CREATE TABLE sites (
    "site_key" TEXT NOT NULL,
    "proven_at" DATETIME NULL,
    "failing_since" DATETIME NULL,
    PRIMARY KEY (site_key)
);

-- The next number of a recurring series.
CREATE TABLE sequences (
    "link_id" TEXT NOT NULL,
    "stored" TEXT NOT NULL,
    "next" INTEGER NOT NULL,
    PRIMARY KEY (link_id, stored)
);

-- +goose Down

DROP TABLE sequences;
DROP TABLE sites;
DROP TABLE pauses;
DROP TABLE events;
DROP TABLE ledger_entries;
DROP TABLE evidence;
DROP TABLE records;
DROP TABLE attempts;
DROP TABLE charges;
DROP TABLE orders;
