//go:build !linux

package confine

import "errors"

// Self is empty: only Linux has what the launcher needs.
func Self() string { return "" }

func landlockVersion() int { return 0 }

func become(policy) error { return errors.New("there is no launcher on this system") }
