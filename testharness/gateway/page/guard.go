package page

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// SameOrigin refuses with 403 what a page of another origin posts. Callers that
// are no browsers are let through.
func SameOrigin(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(next)
}

// Local is SameOrigin for what asks for no password because it listens on a
// loopback address. It also refuses with 421 calls under a name that is not
// this machine's own: the name of a web site that leads here (DNS rebinding).
func Local(next http.Handler) http.Handler {
	next = SameOrigin(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) {
			http.Error(w, "Call this by a loopback address, like 127.0.0.1.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}
