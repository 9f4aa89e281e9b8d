package config

import (
	"fmt"
	"strings"
)

// Key is one entry of the configuration, for people and machines to read.
type Key struct {
	// Key is its name. Words in capitals stand for others.
	Key string `json:"key"`
	// Env is the environment variable that sets it; empty if none does.
	Env string `json:"env,omitempty"`
	// Default is a string or a number; nil if there is none.
	Default any    `json:"default"`
	Help    string `json:"help"`
	// Secret says that its value is shown nowhere.
	Secret bool `json:"secret,omitempty"`
}

// Keys lists every key.
func Keys() []Key {
	var all []Key
	for _, k := range keys() {
		value := k.value
		if value == "" {
			value = nil
		}
		all = append(all, Key{Key: k.name, Env: envName(k.name), Default: value, Help: k.help, Secret: k.secret})
	}
	return append(all, Key{Key: "plugins.env.NAME.VARIABLE", Help: "added to the environment of that plugin", Secret: true})
}

// Manual lists every key with its default and meaning.
func Manual() string {
	var b strings.Builder
	for _, k := range Keys() {
		fmt.Fprintf(&b, "%-28s %s", k.Key, k.Help)
		if k.Env != "" {
			fmt.Fprintf(&b, " (default %v; %s)", orNone(k.Default), k.Env)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func orNone(v any) any {
	if v == nil {
		return "none"
	}
	return v
}
