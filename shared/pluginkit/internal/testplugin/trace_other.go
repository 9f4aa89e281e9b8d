//go:build !linux

package main

import "errors"

func trace(int) error { return errors.ErrUnsupported }
