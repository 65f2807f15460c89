package attest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// Seal returns an in-toto statement in an envelope, signed, as JSON.
func Seal(ctx context.Context, statement any, key Private) ([]byte, error) {
	body, err := json.Marshal(statement)
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

// Sealed is a statement whose signature was checked.
type Sealed struct {
	// PredicateType says what the statement says of its subjects.
	PredicateType string
	text          []byte
}

// Unseal returns the statement of an envelope that was signed with the private
// part of key.
func Unseal(ctx context.Context, envelope []byte, key Public) (Sealed, error) {
	var e dsse.Envelope
	if err := json.Unmarshal(envelope, &e); err != nil {
		return Sealed{}, fmt.Errorf("no attestation: %w", err)
	}
	if e.PayloadType != payloadType {
		return Sealed{}, fmt.Errorf("an envelope of %.100q, want %q", e.PayloadType, payloadType)
	}
	verifier, err := dsse.NewEnvelopeVerifier(key)
	if err != nil {
		return Sealed{}, err
	}
	if _, err := verifier.Verify(ctx, &e); err != nil {
		return Sealed{}, fmt.Errorf("not signed with this key: %w", err)
	}
	body, err := e.DecodeB64Payload()
	if err != nil {
		return Sealed{}, err
	}
	var head struct {
		Type          string `json:"_type"`
		PredicateType string `json:"predicateType"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return Sealed{}, fmt.Errorf("no statement: %w", err)
	}
	if head.Type != StatementType {
		return Sealed{}, fmt.Errorf("a statement of type %.100q, want %q", head.Type, StatementType)
	}
	return Sealed{head.PredicateType, body}, nil
}

// Statement decodes the statement, which has to say what predicateType means, into s.
func (e Sealed) Statement(predicateType string, s any) error {
	if e.PredicateType != predicateType {
		return fmt.Errorf("a statement about %.100q, want %q", e.PredicateType, predicateType)
	}
	if err := json.Unmarshal(e.text, s); err != nil {
		return fmt.Errorf("no statement about %q: %w", predicateType, err)
	}
	return nil
}
