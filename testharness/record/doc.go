// Package record keeps the gateway simulator honest. A Proxy stands between a
// client and the real gateway, passes calls and answers on byte for byte, and
// writes each exchange to a file, masked. Compare replays such a file against
// the simulator and tells where the two differ.
//
// What reaches the file:
//
//   - Nothing is written before it is masked, and a value is kept only if its
//     member is known to be harmless and the value has that member's form. All
//     else (unknown members, names, addresses, secrets, tokens) becomes a mask
//     of the same length and kinds of characters.
//   - References, order references, sites and users become pseudonyms of their
//     own form. The same value has the same mask throughout a recording, so that
//     a child still names its parent. The key of the masks is random and is kept
//     nowhere: two recordings can't be joined, and no mask can be turned back.
//   - Of a card number nothing is kept, but for the simulator's test cards, of
//     which the first six and last four digits stay: a replay must know which.
//   - A body that can't be read as JSON, XML or a form is not kept, nor one that is
//     too large: its length and a keyed hash are.
//   - Each line is searched for card numbers once more before it is written. One
//     that seems to hold any loses its bodies.
//
// A recording is still about real accounts: it tells amounts, times, countries
// and outcomes. Its file is readable by its owner alone.
//
// What it does not do: it adds nothing to the calls that pass, tries none of
// them again, and does not stand in for the gateway with recorded answers.
package record
