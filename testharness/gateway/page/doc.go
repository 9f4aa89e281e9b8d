// Package page is what the simulator's web pages have in common: the look, the
// headers that keep a browser careful, and the check of who may post.
//
// Pages work without scripts. The one script there is adds keys: "/" goes to
// the search, the arrows go through the rows of a table.
//
// Invariants: nothing is loaded from elsewhere, no page runs a script or a style
// of its own text, none can be framed, and what was typed in is never read as
// HTML. A page that can't be made whole is not begun.
//
// It knows no page and nothing of the gateway.
package page
