package main

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// rootCertificates returns, as PEM, the certificates that Mozilla trusts. They
// are those of go.mod rather than this machine's, so that any machine makes the
// same image. Roots that Mozilla distrusts for what they sign from some day on
// are left out: PEM cannot say so, and what they signed before has mostly
// expired.
func rootCertificates() []byte {
	var buf bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			// Writes to memory, which cannot fail.
			_ = pem.Encode(&buf, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return buf.Bytes()
}
