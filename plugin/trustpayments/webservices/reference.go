package webservices

import "crypto/rand"

// referenceAlphabet leaves out what is easily misread.
const referenceAlphabet = "0123456789abcdefghjkmnpqrtuvwxy"

// newReference makes a request reference as the gateway's own libraries do:
// "A" and eight characters. It ties an answer to its request; the gateway
// does not recognise a repetition by it.
func newReference() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = referenceAlphabet[int(b[i])%len(referenceAlphabet)]
	}
	b[0] = 'A'
	return string(b[:])
}
