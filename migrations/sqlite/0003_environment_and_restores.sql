-- +goose Up

-- What this database belongs to: one row, written by the first host that starts on it.
CREATE TABLE environment (
    "only_row" INTEGER NOT NULL,
    "database_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "key_fingerprint" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "bound_at" DATETIME NOT NULL,
    "bound_by" TEXT NOT NULL,
    PRIMARY KEY (only_row),
    CHECK (only_row = 1)
);

-- The hosts that were ever started on this database, and when each was last alive.
CREATE TABLE hosts (
    "id" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "started_at" DATETIME NOT NULL,
    "seen_at" DATETIME NOT NULL,
    "stopped_at" DATETIME NULL,
    PRIMARY KEY (id)
);

-- How many transactions that change money each host has committed. A host has several rows, so that its
-- transactions need not wait for one another.
CREATE TABLE commit_counters (
    "host_id" TEXT NOT NULL,
    "lane" INTEGER NOT NULL,
    "commits" INTEGER NOT NULL,
    PRIMARY KEY (host_id, lane)
);

-- Every time the database was found to have been put back, and who let charging go on.
CREATE TABLE restores (
    "id" TEXT NOT NULL,
    "found_at" DATETIME NOT NULL,
    "found_by" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "swept_from" DATETIME NULL,
    "swept_until" DATETIME NULL,
    "lifted_at" DATETIME NULL,
    "lifted_by" TEXT NOT NULL,
    PRIMARY KEY (id)
);

-- How far the sweep of each site has come.
CREATE TABLE restore_sites (
    "restore_id" TEXT NOT NULL,
    "site_key" TEXT NOT NULL,
    "swept_from" DATETIME NOT NULL,
    "swept_until" DATETIME NOT NULL,
    "found" INTEGER NOT NULL,
    "adopted" INTEGER NOT NULL,
    "kept" INTEGER NOT NULL,
    "others" INTEGER NOT NULL,
    "done_at" DATETIME NULL,
    "without_at" DATETIME NULL,
    "without_by" TEXT NOT NULL,
    "without_reason" TEXT NOT NULL,
    PRIMARY KEY (restore_id, site_key),
    FOREIGN KEY (restore_id) REFERENCES restores (id)
);

-- What a gateway holds under references that no charge here has: found again when its order is posted again.
CREATE TABLE kept_transactions (
    "endpoint" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "transaction_id" TEXT NOT NULL,
    "restore_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "stem" TEXT NOT NULL,
    "parent" TEXT NOT NULL,
    "user" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "currency" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "started_at" DATETIME NULL,
    "kept_at" DATETIME NOT NULL,
    PRIMARY KEY (endpoint, site, transaction_id)
);
CREATE INDEX kept_transactions_stem ON kept_transactions (stem);

-- When the platform or a person last said that a charge from before a restore is still wanted.
ALTER TABLE charges ADD COLUMN "confirmed_at" DATETIME NULL;
