package database

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

// mysqlKinds are the server's error numbers that have a kind. The numbers are
// those of MySQL 8 and MariaDB; they agree but where a comment says so.
var mysqlKinds = map[uint16]error{
	1062: gorm.ErrDuplicatedKey, // ER_DUP_ENTRY
	1586: gorm.ErrDuplicatedKey, // ER_DUP_ENTRY_WITH_KEY_NAME
	1216: gorm.ErrForeignKeyViolated,
	1217: gorm.ErrForeignKeyViolated,
	1451: gorm.ErrForeignKeyViolated,
	1452: gorm.ErrForeignKeyViolated,
	3819: gorm.ErrCheckConstraintViolated, // MySQL
	4025: gorm.ErrCheckConstraintViolated, // MariaDB

	1205: ErrBusy, // lock wait timeout
	1213: ErrBusy, // deadlock, and a Galera commit that lost against another node's
	1020: ErrBusy, // MariaDB: the row changed since the snapshot was taken

	1290: ErrReadOnly, // --read-only
	1792: ErrReadOnly, // read-only transaction
	1836: ErrReadOnly, // read-only mode

	1021: ErrFull, // disk full
	1114: ErrFull, // table is full

	1034: ErrDamaged, // an index does not fit its table
	1194: ErrDamaged, // a table is marked as crashed
	1712: ErrDamaged, // an index is corrupted
	1877: ErrDamaged, // a table is corrupted

	1040: ErrUnavailable, // too many connections
	1203: ErrUnavailable, // the user has too many connections
	1226: ErrUnavailable, // the user's limit is used up
	1047: ErrUnavailable, // Galera: this node is not ready
	1053: ErrUnavailable, // the server is shutting down
	1152: ErrUnavailable, // aborted connection
	1158: ErrUnavailable, // the rest are errors of the network as the server saw them
	1159: ErrUnavailable,
	1160: ErrUnavailable,
	1161: ErrUnavailable,
	1184: ErrUnavailable,
	1927: ErrUnavailable, // MariaDB: the connection was killed
	3169: ErrUnavailable, // MySQL: the session was killed
}

// mysqlPlain are the numbers without a kind whose text names columns, tables or
// users but never a value, so that it can be shown. Any other text may quote the
// statement with its values, and is not.
var mysqlPlain = map[uint16]bool{
	1044: true, 1045: true, 1049: true, 1142: true, 1143: true, 1227: true, // access
	1048: true, 1054: true, 1050: true, 1051: true, 1060: true, 1061: true, 1072: true, // names
	1091: true, 1136: true, 1146: true, 1364: true, 1406: true,
	1153: true, 1180: true, 1264: true, 1317: true, 1969: true, 3024: true,
}

// fileFaults are general errors with the system's error number in their text, where
// 28 means that the disk is full.
var (
	fileFaults = map[uint16]bool{3: true, 1026: true, 1030: true}
	diskFull   = regexp.MustCompile(`\b28\b`)
)

func translateMySQL(err *mysql.MySQLError) error {
	out := &Error{Kind: mysqlKinds[err.Number], Cause: err}
	if fileFaults[err.Number] && diskFull.MatchString(err.Message) {
		out.Kind = ErrFull
	}
	out.Detail = fmt.Sprintf("server error %d, SQLSTATE %s", err.Number, err.SQLState[:])
	switch {
	case err.Number == 1062 || err.Number == 1586:
		out.Detail = duplicatedKey(err.Message)
	case mysqlPlain[err.Number], out.Kind != nil:
		out.Detail += ": " + err.Message
	}
	return out
}

// duplicatedKey returns the key's name from a text such as
// "Duplicate entry 'value' for key 'table.name'". The value is not shown.
func duplicatedKey(message string) string {
	const before = " for key "
	at := strings.LastIndex(message, before)
	if at < 0 {
		return ""
	}
	return strings.Trim(message[at+len(before):], "'")
}
