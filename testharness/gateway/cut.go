package gateway

import (
	"net"
	"net/http"
)

// cut ends the connection of a call without an answer: with a TCP reset, or
// with an orderly close. Either way TLS says no goodbye.
func (g *Gateway) cut(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		uncuttable(w)
		return
	}
	closeRaw(conn, reset)
}

// uncuttable answers what can't be cut: a ResponseWriter without a connection of
// its own.
func uncuttable(w http.ResponseWriter) {
	http.Error(w, "simulator: this connection can't be cut: serve the handler over HTTP/1.1", http.StatusInternalServerError)
}

// closeRaw closes the TCP connection below whatever is on it.
func closeRaw(conn net.Conn, reset bool) {
	for {
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = inner.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // makes Close send a reset
	}
	_ = conn.Close()
}
