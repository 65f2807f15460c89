package attest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// Sign returns s, signed, as JSON.
func Sign(ctx context.Context, s Statement, key Private) ([]byte, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	signer, err := dsse.NewEnvelopeSigner(key)
	if err != nil {
		return nil, err
	}
	e, err := signer.SignPayload(ctx, payloadType, body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(e)
}

// Open returns the statement of an attestation that was signed with the private
// part of key.
func Open(ctx context.Context, attestation []byte, key Public) (Statement, error) {
	var e dsse.Envelope
	if err := json.Unmarshal(attestation, &e); err != nil {
		return Statement{}, fmt.Errorf("no attestation: %w", err)
	}
	if e.PayloadType != payloadType {
		return Statement{}, fmt.Errorf("an envelope of %.100q, want %q", e.PayloadType, payloadType)
	}
	verifier, err := dsse.NewEnvelopeVerifier(key)
	if err != nil {
		return Statement{}, err
	}
	if _, err := verifier.Verify(ctx, &e); err != nil {
		return Statement{}, fmt.Errorf("not signed with this key: %w", err)
	}
	body, err := e.DecodeB64Payload()
	if err != nil {
		return Statement{}, err
	}
	return parse(body)
}
