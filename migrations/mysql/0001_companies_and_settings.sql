-- +goose Up

-- Tenants.
CREATE TABLE IF NOT EXISTS companies (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `type` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `reference` VARBINARY(256) NOT NULL,
    `name` VARCHAR(200) NOT NULL,
    `created_at` DATETIME(6) NOT NULL,
    `created_by` VARCHAR(255) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY companies_reference (type, reference),
    CHECK (type IN ('fulfiller', 'sales_channel'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One fulfiller and one sales channel.
CREATE TABLE IF NOT EXISTS links (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `fulfiller_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `channel_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `state` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `start_at` DATETIME(6) NOT NULL,
    `after_absence` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `after_absence_max` BIGINT NOT NULL,
    `max_order_age_days` BIGINT NOT NULL,
    `version` BIGINT NOT NULL,
    `created_at` DATETIME(6) NOT NULL,
    `created_by` VARCHAR(255) NOT NULL,
    `updated_at` DATETIME(6) NOT NULL,
    `updated_by` VARCHAR(255) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY links_pair (fulfiller_id, channel_id),
    CHECK (state IN ('off', 'on')),
    CHECK (after_absence IN ('attempt', 'person')),
    CHECK (after_absence_max >= 0),
    CHECK (max_order_age_days > 0),
    FOREIGN KEY (fulfiller_id) REFERENCES companies (id),
    FOREIGN KEY (channel_id) REFERENCES companies (id),
    KEY links_fulfiller (fulfiller_id, id),
    KEY links_channel (channel_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Each company's keys, wrapped by a master key that is not in here.
CREATE TABLE IF NOT EXISTS data_keys (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `company_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `number` BIGINT NOT NULL,
    `master_id` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `wrapped` VARBINARY(1024) NOT NULL,
    `created_at` DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY data_keys_number (company_id, number),
    FOREIGN KEY (company_id) REFERENCES companies (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row for each fulfiller and plugin. Every change that charging over any
-- of its links depends on moves it, which puts such changes in an order.
CREATE TABLE IF NOT EXISTS settings_revisions (
    `fulfiller_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `revision` BIGINT NOT NULL,
    PRIMARY KEY (fulfiller_id, plugin),
    FOREIGN KEY (fulfiller_id) REFERENCES companies (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The number of the newest version of a fulfiller's or a link's settings.
CREATE TABLE IF NOT EXISTS settings_heads (
    `owner` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `owner_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `number` BIGINT NOT NULL,
    PRIMARY KEY (owner, owner_id, plugin),
    CHECK (owner IN ('fulfiller', 'link'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Settings, version by version. Rows are only ever added. Secrets are in
-- "sealed", each for its version alone.
CREATE TABLE IF NOT EXISTS settings_versions (
    `owner` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `owner_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `number` BIGINT NOT NULL,
    `fulfiller_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plain` MEDIUMTEXT NOT NULL,
    `sealed` MEDIUMTEXT NOT NULL,
    `key_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `changes` MEDIUMTEXT NOT NULL,
    `reason` VARCHAR(500) NOT NULL,
    `at` DATETIME(6) NOT NULL,
    `by_whom` VARCHAR(255) NOT NULL,
    PRIMARY KEY (owner, owner_id, plugin, number),
    CHECK (number > 0),
    FOREIGN KEY (fulfiller_id) REFERENCES companies (id),
    FOREIGN KEY (key_id) REFERENCES data_keys (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row for each stored reference in use. Who puts it on a link writes here
-- first, so that two who do so at once meet, on whichever nodes of a cluster.
CREATE TABLE IF NOT EXISTS stored_references (
    `plugin` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `endpoint` VARBINARY(32) NOT NULL,
    `site` VARBINARY(64) NOT NULL,
    `stored` VARBINARY(25) NOT NULL,
    `writes` BIGINT NOT NULL,
    PRIMARY KEY (plugin, endpoint, site, stored)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which stored reference a link's settings in force lead to.
CREATE TABLE IF NOT EXISTS link_cards (
    `link_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `channel_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `endpoint` VARBINARY(32) NOT NULL,
    `site` VARBINARY(64) NOT NULL,
    `stored` VARBINARY(25) NOT NULL,
    PRIMARY KEY (link_id),
    FOREIGN KEY (link_id) REFERENCES links (id),
    KEY link_cards_place (plugin, endpoint, site, stored)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The last preflight of each link.
CREATE TABLE IF NOT EXISTS preflights (
    `link_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `at` DATETIME(6) NOT NULL,
    `by_whom` VARCHAR(255) NOT NULL,
    `passed` BOOLEAN NOT NULL,
    `findings` MEDIUMTEXT NOT NULL,
    `mode` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `card` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `scheme` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `expiry` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `currency` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `endpoint` VARBINARY(32) NOT NULL,
    `site` VARBINARY(64) NOT NULL,
    `stored` VARBINARY(25) NOT NULL,
    `fulfiller_version` BIGINT NOT NULL,
    `link_version` BIGINT NOT NULL,
    PRIMARY KEY (link_id),
    FOREIGN KEY (link_id) REFERENCES links (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A person's word that a stored reference is the card it should be.
CREATE TABLE IF NOT EXISTS card_confirmations (
    `link_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `plugin` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `endpoint` VARBINARY(32) NOT NULL,
    `site` VARBINARY(64) NOT NULL,
    `stored` VARBINARY(25) NOT NULL,
    `card` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `scheme` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `expiry` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `at` DATETIME(6) NOT NULL,
    `by_whom` VARCHAR(255) NOT NULL,
    PRIMARY KEY (link_id, plugin, endpoint, site, stored),
    FOREIGN KEY (link_id) REFERENCES links (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- API keys, each with the SHA-256 of its secret.
CREATE TABLE IF NOT EXISTS api_keys (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `kind` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `company_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(200) NOT NULL,
    `hash` BINARY(32) NOT NULL,
    `created_at` DATETIME(6) NOT NULL,
    `created_by` VARCHAR(255) NOT NULL,
    `revoked_at` DATETIME(6) NULL,
    `revoked_by` VARCHAR(255) NOT NULL,
    `last_used_at` DATETIME(6) NULL,
    PRIMARY KEY (id),
    CHECK (kind = 'platform' AND company_id IS NULL OR kind = 'company' AND company_id IS NOT NULL),
    FOREIGN KEY (company_id) REFERENCES companies (id),
    KEY api_keys_company (company_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down

DROP TABLE api_keys;
DROP TABLE card_confirmations;
DROP TABLE preflights;
DROP TABLE link_cards;
DROP TABLE stored_references;
DROP TABLE settings_versions;
DROP TABLE settings_heads;
DROP TABLE settings_revisions;
DROP TABLE data_keys;
DROP TABLE links;
DROP TABLE companies;
