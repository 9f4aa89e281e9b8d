-- +goose Up

-- Tenants.
CREATE TABLE companies (
    "id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL,
    "created_by" TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT companies_reference UNIQUE (type, reference),
    CHECK (type IN ('fulfiller', 'sales_channel'))
);

-- One fulfiller and one sales channel.
CREATE TABLE links (
    "id" TEXT NOT NULL,
    "fulfiller_id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "start_at" DATETIME NOT NULL,
    "after_absence" TEXT NOT NULL,
    "after_absence_max" INTEGER NOT NULL,
    "max_order_age_days" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "created_at" DATETIME NOT NULL,
    "created_by" TEXT NOT NULL,
    "updated_at" DATETIME NOT NULL,
    "updated_by" TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT links_pair UNIQUE (fulfiller_id, channel_id),
    CHECK (state IN ('off', 'on')),
    CHECK (after_absence IN ('attempt', 'person')),
    CHECK (after_absence_max >= 0),
    CHECK (max_order_age_days > 0),
    FOREIGN KEY (fulfiller_id) REFERENCES companies (id),
    FOREIGN KEY (channel_id) REFERENCES companies (id)
);
CREATE INDEX links_fulfiller ON links (fulfiller_id, id);
CREATE INDEX links_channel ON links (channel_id, id);

-- Each company's keys, wrapped by a master key that is not in here.
CREATE TABLE data_keys (
    "id" TEXT NOT NULL,
    "company_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "master_id" TEXT NOT NULL,
    "wrapped" BLOB NOT NULL,
    "created_at" DATETIME NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT data_keys_number UNIQUE (company_id, number),
    FOREIGN KEY (company_id) REFERENCES companies (id)
);

-- One row for each fulfiller and plugin. Every change that charging over any
-- of its links depends on moves it, which puts such changes in an order.
CREATE TABLE settings_revisions (
    "fulfiller_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    PRIMARY KEY (fulfiller_id, plugin),
    FOREIGN KEY (fulfiller_id) REFERENCES companies (id)
);

-- The number of the newest version of a fulfiller's or a link's settings.
CREATE TABLE settings_heads (
    "owner" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    PRIMARY KEY (owner, owner_id, plugin),
    CHECK (owner IN ('fulfiller', 'link'))
);

-- Settings, version by version. Rows are only ever added. Secrets are in
-- "sealed", each for its version alone.
CREATE TABLE settings_versions (
    "owner" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "fulfiller_id" TEXT NOT NULL,
    "plain" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "key_id" TEXT NULL,
    "changes" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "by_whom" TEXT NOT NULL,
    PRIMARY KEY (owner, owner_id, plugin, number),
    CHECK (number > 0),
    FOREIGN KEY (fulfiller_id) REFERENCES companies (id),
    FOREIGN KEY (key_id) REFERENCES data_keys (id)
);

-- One row for each stored reference in use. Who puts it on a link writes here
-- first, so that two who do so at once meet, on whichever nodes of a cluster.
CREATE TABLE stored_references (
    "plugin" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "stored" TEXT NOT NULL,
    "writes" INTEGER NOT NULL,
    PRIMARY KEY (plugin, endpoint, site, stored)
);

-- Which stored reference a link's settings in force lead to.
CREATE TABLE link_cards (
    "link_id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "stored" TEXT NOT NULL,
    PRIMARY KEY (link_id),
    FOREIGN KEY (link_id) REFERENCES links (id)
);
CREATE INDEX link_cards_place ON link_cards (plugin, endpoint, site, stored);

-- The last preflight of each link.
CREATE TABLE preflights (
    "link_id" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "by_whom" TEXT NOT NULL,
    "passed" BOOLEAN NOT NULL,
    "findings" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "card" TEXT NOT NULL,
    "scheme" TEXT NOT NULL,
    "expiry" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "stored" TEXT NOT NULL,
    "fulfiller_version" INTEGER NOT NULL,
    "link_version" INTEGER NOT NULL,
    PRIMARY KEY (link_id),
    FOREIGN KEY (link_id) REFERENCES links (id)
);

-- A person's word that a stored reference is the card it should be.
CREATE TABLE card_confirmations (
    "link_id" TEXT NOT NULL,
    "plugin" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "stored" TEXT NOT NULL,
    "card" TEXT NOT NULL,
    "scheme" TEXT NOT NULL,
    "expiry" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "by_whom" TEXT NOT NULL,
    PRIMARY KEY (link_id, plugin, endpoint, site, stored),
    FOREIGN KEY (link_id) REFERENCES links (id)
);

-- API keys, each with the SHA-256 of its secret.
CREATE TABLE api_keys (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "company_id" TEXT NULL,
    "name" TEXT NOT NULL,
    "hash" BLOB NOT NULL,
    "created_at" DATETIME NOT NULL,
    "created_by" TEXT NOT NULL,
    "revoked_at" DATETIME NULL,
    "revoked_by" TEXT NOT NULL,
    "last_used_at" DATETIME NULL,
    PRIMARY KEY (id),
    CHECK (kind = 'platform' AND company_id IS NULL OR kind = 'company' AND company_id IS NOT NULL),
    FOREIGN KEY (company_id) REFERENCES companies (id)
);
CREATE INDEX api_keys_company ON api_keys (company_id, id);

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
