package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	sqlite "modernc.org/sqlite"
)

// translate turns a driver's error into an *Error. What it does not know, what is
// translated already, and the ends of contexts are returned as they are.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if known := (*Error)(nil); errors.As(err, &known) {
		return err
	}
	// Two dialects, one table: a driver's error type says which one it is.
	if server := (*mysql.MySQLError)(nil); errors.As(err, &server) {
		return translateMySQL(server)
	}
	if file := (*sqlite.Error)(nil); errors.As(err, &file) {
		return translateSQLite(file)
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return &Error{Kind: gorm.ErrRecordNotFound, Cause: err}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &Error{Kind: ErrFull, Detail: err.Error(), Cause: err}
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return &Error{Kind: ErrReadOnly, Detail: err.Error(), Cause: err}
	case aboutFile(err):
		return err
	case connectionBroke(err):
		return &Error{Kind: ErrUnavailable, Detail: err.Error(), Cause: err}
	}
	return err
}

// aboutFile reports whether err is a file's. The system's error in it looks like
// a connection's, too.
func aboutFile(err error) bool {
	path := (*fs.PathError)(nil)
	return errors.As(err, &path)
}

// connectionBroke reports whether err says that the way to the server is gone.
func connectionBroke(err error) bool {
	if network := net.Error(nil); errors.As(err, &network) {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) ||
		errors.Is(err, mysql.ErrPktSync) || errors.Is(err, mysql.ErrPktSyncMul) || errors.Is(err, mysql.ErrMalformPkt) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
