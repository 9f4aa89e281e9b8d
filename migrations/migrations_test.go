package migrations_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/migrations"
)

func names(t *testing.T, dialect string) []string {
	t.Helper()
	fsys, err := migrations.FS(dialect)
	require.NoError(t, err)
	found, err := fs.Glob(fsys, "*.sql")
	require.NoError(t, err)
	return found
}

func TestDialectsHaveTheSameFiles(t *testing.T) {
	t.Parallel()
	require.Equal(t, names(t, migrations.MySQL), names(t, migrations.SQLite),
		"a migration needs a file of the same name for each dialect")
}

func TestNumbersHaveNoGaps(t *testing.T) {
	t.Parallel()
	wellNamed := regexp.MustCompile(`^\d{4}_[a-z0-9_]+\.sql$`)
	found := names(t, migrations.SQLite)
	for i, name := range found {
		require.Regexp(t, wellNamed, name)
		require.Equal(t, fmt.Sprintf("%04d", i+1), name[:4], "numbers begin at 0001 and have no gaps")
	}
	require.Equal(t, int64(len(found)), migrations.Revision())
}

func TestFSUnknownDialect(t *testing.T) {
	t.Parallel()
	_, err := migrations.FS("oracle")
	require.EqualError(t, err, `migrations: no SQL for database dialect "oracle": use "mysql" or "sqlite"`)
}
