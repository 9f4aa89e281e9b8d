-- +goose Up

-- Orders, by the platform's name within their sales channel.
CREATE TABLE orders (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `channel_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `reference` VARBINARY(64) NOT NULL,
    `placed_at` DATETIME(6) NOT NULL,
    `content_hash` CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `created_at` DATETIME(6) NOT NULL,
    `created_by` VARCHAR(255) NOT NULL,
    `cancelled_at` DATETIME(6) NULL,
    `cancel_reason` VARCHAR(1000) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY orders_name (channel_id, reference),
    FOREIGN KEY (channel_id) REFERENCES companies (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What an order owes one fulfiller.
CREATE TABLE charges (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `order_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `channel_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `fulfiller_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `link_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(255) NOT NULL,
    `purpose` VARBINARY(64) NOT NULL,
    `amount_minor` BIGINT NOT NULL,
    `currency` CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `stem` VARBINARY(25) NOT NULL,
    `placed_at` DATETIME(6) NOT NULL,
    `cancelled_at` DATETIME(6) NULL,
    `no_told` BOOLEAN NOT NULL,
    `yes_told` BOOLEAN NOT NULL,
    `chosen` VARBINARY(25) NOT NULL,
    `state` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `produce` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `reason` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `person_case` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `text` VARCHAR(1000) NOT NULL,
    `checks` BIGINT NOT NULL,
    `since_case` DATETIME(6) NULL,
    `mend_since` DATETIME(6) NULL,
    `access_failed_at` DATETIME(6) NULL,
    `lease_owner` VARCHAR(255) NOT NULL,
    `lease_until` DATETIME(6) NULL,
    `version` BIGINT NOT NULL,
    `next_check_at` DATETIME(6) NULL,
    `checked_at` DATETIME(6) NOT NULL,
    `created_at` DATETIME(6) NOT NULL,
    `updated_at` DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY charges_obligation (order_id, fulfiller_id, purpose),
    KEY charges_due (next_check_at),
    KEY charges_turn (state, fulfiller_id, created_at),
    KEY charges_fulfiller (fulfiller_id, id),
    KEY charges_person (person_case, since_case),
    CHECK (amount_minor > 0),
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (link_id) REFERENCES links (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every try to collect a charge, with what it was sent with.
CREATE TABLE attempts (
    `charge_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `number` BIGINT NOT NULL,
    `reference` VARBINARY(25) NOT NULL,
    `stage` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `settle` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `mode` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `endpoint` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `site` VARBINARY(64) NOT NULL,
    `user` VARCHAR(255) NOT NULL,
    `stored` VARBINARY(25) NOT NULL,
    `sequence` BIGINT NOT NULL,
    `settings_version` VARCHAR(255) NOT NULL,
    `planned_at` DATETIME(6) NOT NULL,
    `started_at` DATETIME(6) NULL,
    `send_before` DATETIME(6) NULL,
    `answered_at` DATETIME(6) NULL,
    `outcome` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `decline` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `fault` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `code` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `reason` VARCHAR(1000) NOT NULL,
    `looks` BIGINT NOT NULL,
    `first_look` DATETIME(6) NULL,
    `last_look` DATETIME(6) NULL,
    `control_failed_at` DATETIME(6) NULL,
    `absent_at` DATETIME(6) NULL,
    `watched_at` DATETIME(6) NULL,
    PRIMARY KEY (charge_id, number),
    UNIQUE KEY attempts_reference (reference),
    FOREIGN KEY (charge_id) REFERENCES charges (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What the gateway is known to hold, and what was asked for it.
CREATE TABLE records (
    `charge_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `transaction_id` VARBINARY(25) NOT NULL,
    `endpoint` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `parent` VARBINARY(25) NOT NULL,
    `reference` VARBINARY(25) NOT NULL,
    `kind` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `amount_minor` BIGINT NOT NULL,
    `currency` VARCHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `status` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `outcome` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `decline` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `fault` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `code` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `message` VARCHAR(1000) NOT NULL,
    `site` VARBINARY(64) NOT NULL,
    `user` VARCHAR(255) NOT NULL,
    `mode` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `card` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `scheme` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `expiry` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `started_at` DATETIME(6) NULL,
    `settle_due` DATETIME(6) NULL,
    `settled_at` DATETIME(6) NULL,
    `asked` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `matches` BOOLEAN NOT NULL,
    `adjust` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `adjust_at` DATETIME(6) NULL,
    `adjust_try` BIGINT NOT NULL,
    `accepted` BOOLEAN NOT NULL,
    `released_at` DATETIME(6) NULL,
    `confirmed_at` DATETIME(6) NULL,
    `cancel_at` DATETIME(6) NULL,
    `seen_at` DATETIME(6) NOT NULL,
    PRIMARY KEY (charge_id, transaction_id),
    KEY records_transaction (site, transaction_id),
    KEY records_known (site, seen_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- All that was learnt about a charge. Rows are only ever added.
CREATE TABLE evidence (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `charge_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `number` BIGINT NOT NULL,
    `class` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `at` DATETIME(6) NOT NULL,
    `by_whom` VARCHAR(255) NOT NULL,
    `text` VARCHAR(1000) NOT NULL,
    `body` MEDIUMTEXT NOT NULL,
    `table_version` BIGINT NOT NULL,
    `version` BIGINT NOT NULL,
    `state` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `produce` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (id),
    KEY evidence_charge (charge_id, version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every movement of money, from credit to debit. Rows are only ever added.
CREATE TABLE ledger_entries (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `at` DATETIME(6) NOT NULL,
    `charge_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `fulfiller_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `link_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `transaction_id` VARBINARY(25) NOT NULL,
    `site` VARBINARY(64) NOT NULL,
    `debit` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `credit` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `amount_minor` BIGINT NOT NULL,
    `currency` CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (id),
    KEY ledger_entries_charge (charge_id),
    KEY ledger_entries_fulfiller (fulfiller_id, at),
    CHECK (amount_minor > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What the platform is told. Rows are only ever added.
CREATE TABLE events (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `type` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `at` DATETIME(6) NOT NULL,
    `order_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `channel_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `fulfiller_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `charge_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `version` BIGINT NOT NULL,
    `state` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `produce` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `reason` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (id),
    KEY events_charge (charge_id, version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What new attempts wait for.
CREATE TABLE pauses (
    `scope` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `scope_key` VARBINARY(255) NOT NULL,
    `link_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `fulfiller_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(255) NOT NULL,
    `code` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `text` VARCHAR(1000) NOT NULL,
    `since` DATETIME(6) NOT NULL,
    `probes` BIGINT NOT NULL,
    `next_probe_at` DATETIME(6) NOT NULL,
    PRIMARY KEY (scope, scope_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Whether releases are known to work on a site.
CREATE TABLE sites (
    `site_key` VARBINARY(255) NOT NULL,
    `proven_at` DATETIME(6) NULL,
    `failing_since` DATETIME(6) NULL,
    PRIMARY KEY (site_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The next number of a recurring series.
CREATE TABLE sequences (
    `link_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `stored` VARBINARY(25) NOT NULL,
    `next` BIGINT NOT NULL,
    PRIMARY KEY (link_id, stored)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
