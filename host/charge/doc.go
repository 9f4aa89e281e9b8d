// Package charge is what must always be true of the money: charges, their
// attempts, what the gateway holds for them, and the one pure function,
// Derive, that says from all of it where a charge stands, whether the goods
// may be produced, and what happens next and when.
//
// The way of a charge, with the default way to settle: an attempt is written
// down, an authorisation is sent that holds itself back, its answer is
// written down, the gateway is asked whether this is the only live one, and
// only then is it released. Nothing can be debited but what stands here.
//
// The invariants:
//
//   - An attempt is sent at most once, under a reference that is never used
//     again.
//   - Doubt is a state, left only by what the gateway says when asked, by
//     absence that has aged, or by a person.
//   - Every decision is written on the version of the charge that it was
//     derived from; whoever comes second reads again.
//   - Every charge is final, or has a next check, or stands with a person.
//
// The package reaches no network and no database; the engine acts on what it
// says, and package chargedb keeps it.
package charge
