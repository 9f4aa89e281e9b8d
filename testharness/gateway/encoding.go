package gateway

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// compressors are used again: one is larger than all else that a call needs.
var compressors = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) //nolint:errcheck // the level exists
	return w
}}

// compress returns the body as gzip.
func compress(body []byte) ([]byte, error) {
	w, ok := compressors.Get().(*gzip.Writer)
	if !ok {
		w = gzip.NewWriter(nil)
	}
	defer compressors.Put(w)
	var out bytes.Buffer
	out.Grow(len(body)/2 + 64)
	w.Reset(&out)
	if _, err := w.Write(body); err != nil {
		return nil, err //nolint:wrapcheck // a buffer never fails
	}
	if err := w.Close(); err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	return out.Bytes(), nil
}

// wantsGzip tells whether the caller can read gzip.
func wantsGzip(r *http.Request) bool {
	for _, header := range r.Header["Accept-Encoding"] {
		for part := range strings.SplitSeq(header, ",") {
			name, weight, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				_, q, given := strings.Cut(weight, "=")
				return !given || strings.Trim(strings.TrimSpace(q), "0.") != ""
			}
		}
	}
	return false
}
