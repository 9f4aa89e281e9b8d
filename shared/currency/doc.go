// Package currency knows the currencies of ISO 4217: which there are, and how
// many decimals each has. It writes amounts the way people read them; programs
// keep to minor units.
package currency
