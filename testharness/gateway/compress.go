package gateway

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// compressors are kept because each holds hundreds of KiB.
var compressors = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return z
}}

// compressed is the body in gzip.
func compressed(body []byte) []byte {
	z := compressors.Get().(*gzip.Writer) //nolint:forcetypeassert // The pool holds nothing else.
	defer compressors.Put(z)
	var out bytes.Buffer
	out.Grow(len(body)/2 + 64)
	z.Reset(&out)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// takesGzip tells whether the caller asked for compressed answers.
func takesGzip(r *http.Request) bool {
	for _, list := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(list, ",") {
			name, quality, _ := strings.Cut(coding, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				q := strings.ReplaceAll(quality, " ", "")
				return strings.Trim(strings.TrimPrefix(strings.ToLower(q), "q="), "0.") != "" || q == ""
			}
		}
	}
	return false
}
