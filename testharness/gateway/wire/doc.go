// Package wire reads and writes the JSON of the gateway simulator.
//
// The reader is strict about the grammar (it accepts what encoding/json
// accepts, within the limits below) and keeps every value's kind, since the
// service treats a number where a string belongs as a fault. The writer takes
// members in the order they have: objects on this service have no fixed order,
// and the simulator shuffles them on purpose.
//
// Both are written by hand because every charge of a load run passes through
// them: no reflection, few allocations.
//
// It knows nothing of payments.
package wire
