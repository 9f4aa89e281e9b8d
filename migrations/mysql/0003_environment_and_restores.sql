-- +goose Up

-- What this database belongs to: one row, written by the first host that starts on it.
CREATE TABLE IF NOT EXISTS environment (
    `only_row` BIGINT NOT NULL,
    `database_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(64) NOT NULL,
    `kind` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `key_fingerprint` CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `epoch` BIGINT NOT NULL,
    `bound_at` DATETIME(6) NOT NULL,
    `bound_by` VARCHAR(255) NOT NULL,
    PRIMARY KEY (only_row),
    CHECK (only_row = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The hosts that were ever started on this database, and when each was last alive.
CREATE TABLE IF NOT EXISTS hosts (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `owner` VARCHAR(255) NOT NULL,
    `started_at` DATETIME(6) NOT NULL,
    `seen_at` DATETIME(6) NOT NULL,
    `stopped_at` DATETIME(6) NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How many transactions that change money each host has committed. A host has several rows, so that its
-- transactions need not wait for one another.
CREATE TABLE IF NOT EXISTS commit_counters (
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `lane` BIGINT NOT NULL,
    `commits` BIGINT NOT NULL,
    PRIMARY KEY (host_id, lane)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every time the database was found to have been put back, and who let charging go on.
CREATE TABLE IF NOT EXISTS restores (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `found_at` DATETIME(6) NOT NULL,
    `found_by` VARCHAR(255) NOT NULL,
    `text` VARCHAR(1000) NOT NULL,
    `swept_from` DATETIME(6) NULL,
    `swept_until` DATETIME(6) NULL,
    `lifted_at` DATETIME(6) NULL,
    `lifted_by` VARCHAR(255) NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How far the sweep of each site has come.
CREATE TABLE IF NOT EXISTS restore_sites (
    `restore_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `site_key` VARBINARY(255) NOT NULL,
    `swept_from` DATETIME(6) NOT NULL,
    `swept_until` DATETIME(6) NOT NULL,
    `found` BIGINT NOT NULL,
    `adopted` BIGINT NOT NULL,
    `kept` BIGINT NOT NULL,
    `others` BIGINT NOT NULL,
    `done_at` DATETIME(6) NULL,
    `without_at` DATETIME(6) NULL,
    `without_by` VARCHAR(255) NOT NULL,
    `without_reason` VARCHAR(1000) NOT NULL,
    PRIMARY KEY (restore_id, site_key),
    FOREIGN KEY (restore_id) REFERENCES restores (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a gateway holds under references that no charge here has: found again when its order is posted again.
CREATE TABLE IF NOT EXISTS kept_transactions (
    `endpoint` VARBINARY(64) NOT NULL,
    `site` VARBINARY(64) NOT NULL,
    `transaction_id` VARBINARY(25) NOT NULL,
    `restore_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(255) NOT NULL,
    `reference` VARBINARY(25) NOT NULL,
    `stem` VARBINARY(25) NOT NULL,
    `parent` VARBINARY(25) NOT NULL,
    `user` VARBINARY(255) NOT NULL,
    `mode` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `amount_minor` BIGINT NOT NULL,
    `currency` VARCHAR(8) NOT NULL,
    `status` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `outcome` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `started_at` DATETIME(6) NULL,
    `kept_at` DATETIME(6) NOT NULL,
    PRIMARY KEY (endpoint, site, transaction_id),
    KEY kept_transactions_stem (stem)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- When the platform or a person last said that a charge from before a restore is still wanted.
ALTER TABLE charges ADD COLUMN `confirmed_at` DATETIME(6) NULL;
