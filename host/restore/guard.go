package restore

// Guard is what the charging engine asks: the watch, and what is known of the
// past.
type Guard struct {
	*Watch
	*Past
}
