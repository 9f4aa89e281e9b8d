// Package turn shares the room for calls: how many may be in flight for each
// plugin and each site, how many a site gets in a second, and whose turn it is
// when there is more work than room.
//
// Turns go around among companies, not among orders: who has a hundred
// thousand orders waiting gets as many turns as who has one. The room is of
// this process alone and nothing of it is kept.
package turn
