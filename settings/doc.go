// Package settings knows the companies, the links between them, and how each
// link is charged: advanced settings that a fulfiller holds for all its links
// and a link overrides field by field.
//
// The invariants:
//
//   - Settings change by whole versions that are only ever added. Who writes
//     names the version it saw; of two that saw the same, one is refused.
//   - A change is checked against the plugin's schema and by the plugin itself,
//     together with every link it reaches that is switched on, before any of it
//     is written. Every change moves the revision of its fulfiller and plugin, so
//     two changes that were each right alone can't be wrong together.
//   - A stored reference belongs to one sales channel and charges nothing until
//     a person has confirmed the masked card that the gateway showed for it.
//   - Secrets are sealed with a key of the company, which a master key outside
//     the database wraps. They leave the package only towards the plugin.
//   - A company sees its own rows; what belongs to others does not exist for it.
//
// The package reaches the gateway through payment.Gateway alone, charges
// nothing, and knows no database and no HTTP: package settingsdb keeps what it
// decides.
package settings
