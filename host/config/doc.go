// Package config reads the host's configuration: defaults, then a YAML file,
// then the environment, then flags, each over the one before. What it does not
// know it refuses, so that a misspelt key can't pass for a set one. Printed, it
// is redacted.
package config
