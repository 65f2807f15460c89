package attest_test

import (
	"testing"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/attest/attesttest"
)

func FuzzOpen(f *testing.F) {
	_, public := attesttest.Keys(f)
	key, err := attest.ParsePublic(public)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":"AAAA"}]}`))
	f.Add([]byte(`{"payload":"\u0000"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := attest.Unseal(t.Context(), text, key); err == nil {
			t.Errorf("%q was taken", text)
		}
	})
}
