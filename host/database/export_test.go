package database

// What the tests reach beyond the package's door.
var (
	ParseDSN         = parseDSN
	Translate        = translate
	CommitError      = commitError
	CompareRevisions = compareRevisions
	MigrateFS        = (*DB).migrate
	Revision         = (*DB).revision
)

const MaxTries = maxTries

// Waiting is how many items no collector has taken yet.
func (s *Shared[In, Out]) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}
