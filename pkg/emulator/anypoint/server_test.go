package anypoint_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/siemfeed/siemfeed/pkg/anypoint"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// do sends one request straight to the handler.
func do(t *testing.T, srv http.Handler, method, target, contentType, token, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if token != "" {
		r.Header.Set("Authorization", "bearer "+token)
	}
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	var out map[string]any
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 0 && b[0] == '{' {
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	}
	return w.Code, out
}

func login(t *testing.T, srv http.Handler) string {
	t.Helper()
	code, out := do(t, srv, "POST", "/accounts/api/v2/oauth2/token", "application/json", "",
		`{"grant_type":"client_credentials","client_id":"client","client_secret":"secret"}`)
	if code != 200 || out["token_type"] != "bearer" || out["expires_in"] != 3600.0 {
		t.Fatalf("%d %v", code, out)
	}
	return out["access_token"].(string)
}

func TestTokenEndpoint(t *testing.T) {
	srv := emulator.New(emulator.Options{})
	form := func(kv ...string) string {
		v := url.Values{}
		for i := 0; i < len(kv); i += 2 {
			v.Set(kv[i], kv[i+1])
		}
		return v.Encode()
	}
	for _, tt := range []struct {
		kind, body string
		code       int
	}{
		{"application/x-www-form-urlencoded", form("grant_type", "client_credentials", "client_id", "client", "client_secret", "secret"), 200},
		{"application/x-www-form-urlencoded", form("grant_type", "client_credentials", "client_id", "client", "client_secret", "wrong"), 401},
		{"application/x-www-form-urlencoded", form("grant_type", "password", "client_id", "client", "client_secret", "secret"), 400},
		{"application/json; charset=utf-8", `{"grant_type":"client_credentials","client_id":"client"}`, 400},
		{"application/json", `{`, 400},
	} {
		code, out := do(t, srv, "POST", "/accounts/api/v2/oauth2/token", tt.kind, "", tt.body)
		if code != tt.code || code != 200 && out["error_description"] == nil {
			t.Errorf("%s: %d %v, want %d", tt.body, code, out, tt.code)
		}
	}
}

func TestTokensExpireAndAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := emulator.New(emulator.Options{})
		srv.AddOrg("root", "")
		me := func(token string) int {
			code, out := do(t, srv, "GET", "/accounts/api/me", "", token, "")
			if code == 200 && out["user"].(map[string]any)["organization"].(map[string]any)["id"] != "root" {
				t.Errorf("me = %v", out)
			}
			return code
		}
		token := login(t, srv)
		if me(token) != 200 || me("") != 401 || me("other") != 401 {
			t.Error("a token must be there and good")
		}
		time.Sleep(time.Hour)
		if me(token) != 401 {
			t.Error("a token outlived its hour")
		}
		token = login(t, srv)
		srv.RevokeTokens()
		if me(token) != 401 {
			t.Error("a revoked token is good")
		}
	})
}

// numbered adds n events a second apart whose n is their index.
func numbered(t *testing.T, srv *emulator.Server, n int) {
	t.Helper()
	for i := range n {
		raw := fmt.Sprintf(`{"timestamp":%d,"n":%d,"platform":"P%d","action":"A%d","userId":"u%d","objects":[{"objectType":"T%d"}]}`,
			day.Add(time.Duration(i)*time.Second).UnixMilli(), i, i%2, i%3, i%5, i%7)
		if err := srv.AddRaw("o", []byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQueryModes(t *testing.T) {
	srv := emulator.New(emulator.Options{})
	numbered(t, srv, 250)
	token := login(t, srv)
	start := `"startDate":"2026-03-01T00:00:00.000Z"`
	for _, tt := range []struct {
		params, body string
		code         int
		n            int
		first        float64
		total        any
		cursor       bool
	}{
		{"", `{` + start + `}`, 200, 25, 0, 250.0, false},
		{"", `{` + start + `,"limit":1000}`, 200, 200, 0, 250.0, false},
		{"", `{` + start + `,"offset":240,"limit":100}`, 200, 10, 240, 250.0, false},
		{"", `{` + start + `,"offset":250}`, 200, 0, 0, 250.0, false},
		{"", `{` + start + `,"ascending":false,"offset":1}`, 200, 25, 248, 250.0, false},
		{"?cursorPagination=true", `{` + start + `}`, 200, 25, 0, nil, true},
		{"?cursorPagination=true", `{` + start + `,"offset":9,"cursor":"1772323209000_9"}`, 200, 25, 10, nil, true},
		{"?cursorPagination=true", `{` + start + `,"ascending":false,"cursor":"1772323209000_9"}`, 200, 9, 8, nil, true},
		{"?cursorPagination=true", `{` + start + `,"cursor":"1772323449000_f9"}`, 200, 0, 0, nil, false},
		{"?cursorPagination=true&doIncludeTotal=true", `{` + start + `,"limit":1,"cursor":"1772323209000_9"}`, 200, 1, 10, 250.0, true},
		{"?cursorPagination=true&doIncludeTotal=capped", `{` + start + `,"platforms":["P1"]}`, 200, 25, 1, 125.0, true},
		{"", `{` + start + `,"platforms":["P1"],"actions":["A0","A1"],"userIds":["u3"],"objectTypes":["T3","T6"]}`, 200, 6, 3, 6.0, false},
		{"", `{"startDate":1772323203000,"endDate":1772323205000}`, 200, 3, 3, 3.0, false}, // both ends inclusive
		{"", `{"startDate":1772323203001,"endDate":1772323204999}`, 200, 1, 4, 1.0, false},
		{"", `{"startDate":"2026-03-01T01:00:03+01:00","endDate":"2026-03-01T00:00:05.000Z"}`, 200, 3, 3, 3.0, false},
		{"", `{"startDate":"2026-03-01T00:00:00+00:00Z"}`, 400, 0, 0, nil, false},
		{"", `{"endDate":1}`, 400, 0, 0, nil, false}, {"", `{`, 400, 0, 0, nil, false},
		{"", `{` + start + `,"limit":0}`, 400, 0, 0, nil, false}, {"", `{` + start + `,"offset":-1}`, 400, 0, 0, nil, false},
		{"", `{` + start + `,"cursor":"1772323209000_9"}`, 400, 0, 0, nil, false}, // offset mode
		{"?cursorPagination=true", `{` + start + `,"cursor":"nonsense"}`, 400, 0, 0, nil, false},
		{"?doIncludeTotal=maybe", `{` + start + `}`, 400, 0, 0, nil, false},
	} {
		code, out := do(t, srv, "POST", "/audit/v2/organizations/o/query"+tt.params, "application/json", token, tt.body)
		if code != tt.code {
			t.Errorf("%s %s: %d %v", tt.params, tt.body, code, out)
		}
		if code != 200 {
			continue
		}
		data := out["data"].([]any)
		_, cursor := out["cursor"]
		if len(data) != tt.n || out["total"] != tt.total || cursor != tt.cursor {
			t.Errorf("%s %s: %d entries, total %v, cursor %v", tt.params, tt.body, len(data), out["total"], out["cursor"])
		} else if tt.n > 0 && data[0].(map[string]any)["n"] != tt.first {
			t.Errorf("%s %s: first is %v", tt.params, tt.body, data[0])
		}
	}
	for org, want := range map[string]int{"nowhere": 404, "closed": 403} {
		srv.Forbid("closed", true)
		if code, _ := do(t, srv, "POST", "/audit/v2/organizations/"+org+"/query", "application/json", token, `{`+start+`}`); code != want {
			t.Errorf("%s: %d, want %d", org, code, want)
		}
	}
}

func TestEventsAppearWhenTheyAreVisible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := emulator.New(emulator.Options{})
		if err := srv.Add("o", emulator.Event{Time: day, Raw: []byte(`1`), VisibleAt: time.Now().Add(time.Minute)}, emulator.Event{Time: day, Raw: []byte(`2`)}); err != nil {
			t.Fatal(err)
		}
		token := login(t, srv)
		for _, want := range []string{"[2] 1", "[1 2] 2"} {
			_, out := do(t, srv, "POST", "/audit/v2/organizations/o/query", "", token, `{"startDate":0,"endDate":9999999999999}`)
			if got := fmt.Sprint(out["data"], " ", out["total"]); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestAddRefusesWhatItCannotPlace(t *testing.T) {
	srv := emulator.New(emulator.Options{})
	srv.AddSynthetic("made-up", emulator.Synthetic{N: 1, From: day, To: day.Add(time.Hour)})
	for org, raw := range map[string]string{"o": `{"a":1}`, "p": `{`, "q": `7`, "made-up": `{"timestamp":1}`} {
		if srv.AddRaw(org, []byte(raw)) == nil {
			t.Errorf("%s took %s", org, raw)
		}
	}
}

func TestBudgetCounts(t *testing.T) {
	for _, o := range []emulator.Options{{RatePerMinute: 3}, {RatePerMinute: 3, Sliding: true}, {RatePerMinute: 3, Throttle: 429}} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(90 * time.Second))) // the middle of a minute
			srv := emulator.New(o)
			var codes []int
			for range 5 {
				code, _ := do(t, srv, "GET", "/accounts/api/me", "", "", "")
				codes = append(codes, code)
			}
			time.Sleep(30 * time.Second)
			code, _ := do(t, srv, "GET", "/accounts/api/me", "", "", "")
			codes = append(codes, code)
			refused, later := 503, 401 // a new minute on the clock
			if o.Throttle != 0 {
				refused = o.Throttle
			}
			if o.Sliding {
				later = refused
			}
			if want := []int{401, 401, 401, refused, refused, later}; !reflect.DeepEqual(codes, want) {
				t.Errorf("%+v: %v, want %v", o, codes, want)
			}
		})
	}
}

func TestGenerateIsRepeatableAndDistinct(t *testing.T) {
	g := emulator.Generated{Seed: 5, N: 3000, From: day, To: day.Add(time.Hour), Large: 200_000, LargeEvery: 1000}
	a, b := emulator.Generate("o", g), emulator.Generate("o", g)
	seen, shared, spaced, large := map[string]bool{}, 0, 0, 0
	for i, e := range a {
		if !bytes.Equal(e.Raw, b[i].Raw) || seen[string(e.Raw)] {
			t.Fatalf("entry %d differs from run to run, or is there twice", i)
		}
		seen[string(e.Raw)] = true
		if e.Time.Before(g.From) || !e.Time.Before(g.To) || i > 0 && e.Time.Before(a[i-1].Time) {
			t.Fatalf("entry %d is at %s", i, e.Time)
		}
		if ms, ok := client.Timestamp(e.Raw); !ok || ms != e.Time.UnixMilli() {
			t.Fatalf("entry %d says it is of %d, %v", i, ms, ok)
		}
		if i > 0 && e.Time.Equal(a[i-1].Time) {
			shared++
		}
		if bytes.ContainsRune(e.Raw, '\n') {
			spaced++
		}
		if len(e.Raw) > 150_000 {
			large++
		}
	}
	if shared < 100 || spaced < 100 || large != 3 {
		t.Errorf("%d share a millisecond, %d have white space, %d are large", shared, spaced, large)
	}
}

func BenchmarkEntries(b *testing.B) {
	srv := emulator.New(emulator.Options{}).Start()
	defer srv.Close()
	const n = 50_000
	srv.AddSynthetic("o", emulator.Synthetic{N: n, From: day, To: day.Add(time.Hour)})
	c := client.New(client.Options{BaseURL: srv.URL(), ClientID: "client", ClientSecret: "secret", RatePerMinute: 600_000_000})
	defer c.CloseIdle()
	b.ReportAllocs()
	for b.Loop() {
		st, err := c.Entries(b.Context(), client.Query{Org: "o", From: day, To: day.Add(time.Hour)}, discard{})
		if err != nil || st.Entries != n {
			b.Fatal(st, err)
		}
		b.SetBytes(st.Bytes)
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "events/s")
}
