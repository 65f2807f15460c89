package gunzipcsv_test

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what S3 makes an ETag of
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
)

// refuser is an S3 bucket, called logs, that can be read and listed. An object
// may be archived (HEAD answers, GET is 403 InvalidObjectState), encrypted with
// a key of the customer's (every request is a 400) or denied (every request is
// a 403): docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html,
// …/userguide/ServerSideEncryptionCustomerKeys.html.
type refuser struct {
	mu      sync.Mutex
	objects map[string][]byte
	refused map[string]string // by key: the error code
	page    int               // most keys of a list
	down    int               // requests that will find it away
}

func (s *refuser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, _ := strings.CutPrefix(r.URL.Path, "/logs/")
	data, there := s.objects[key]
	code := s.refused[key]
	switch {
	case s.down > 0:
		s.down--
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable")
	case r.URL.Path == "/logs" || key == "":
		s.list(w, r.URL.Query())
	case !there:
		refuse(w, http.StatusNotFound, "NoSuchKey")
	case code == "InvalidRequest":
		refuse(w, http.StatusBadRequest, code)
	case code == "AccessDenied", code != "" && r.Method == http.MethodGet:
		refuse(w, http.StatusForbidden, code)
	default:
		w.Header().Set("ETag", etagOf(data))
		http.ServeContent(w, r, "", writtenAt, bytes.NewReader(data))
	}
}

var writtenAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func etagOf(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // see above
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

// list answers ListObjectsV2.
func (s *refuser) list(w http.ResponseWriter, q url.Values) {
	var keys []string
	for key := range s.objects {
		if strings.HasPrefix(key, q.Get("prefix")) && key > q.Get("continuation-token") {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	page := keys[:min(s.page, len(keys))]
	w.Header().Set("Content-Type", "application/xml")
	_, _ = fmt.Fprintf(w, "<ListBucketResult><Name>logs</Name><IsTruncated>%v</IsTruncated>", len(page) < len(keys))
	if len(page) < len(keys) {
		_, _ = fmt.Fprintf(w, "<NextContinuationToken>%s</NextContinuationToken>", page[len(page)-1])
	}
	for _, key := range page {
		data := s.objects[key]
		_, _ = fmt.Fprintf(w, "<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>%s</ETag><Size>%d</Size></Contents>",
			key, writtenAt.Format(time.RFC3339), html.EscapeString(etagOf(data)), len(data))
	}
	_, _ = fmt.Fprint(w, "</ListBucketResult>")
}

// newRefuser is a world whose source is such a bucket, with n objects.
func newRefuser(t *testing.T, n int) (*world, *refuser, []string) {
	t.Helper()
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(k, v)
	}
	s := &refuser{objects: map[string][]byte{}, refused: map[string]string{}, page: 300 / scale}
	var keys []string
	for i := range n {
		key := fmt.Sprintf("day%d/%05d.log.gz", i*4/n, i)
		s.objects[key] = gz(t, fmt.Sprint(i, "\n"))
		keys = append(keys, key)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	w := newWorld(t, map[string]string{
		"SOURCE_URL": "s3://logs?region=us-east-1&endpoint=" + server.URL, "CONCURRENCY": "16",
		"CF_QUEUE_ID": "", "CF_ACCOUNT_ID": "", "CF_API_TOKEN": "",
	})
	return w, s, keys
}

// TestOneUnreadableObjectAmongMany has one that the store refuses at the
// beginning, in the middle and at the end of many, which are several pages of its
// list and several runs of a backfill.
func TestOneUnreadableObjectAmongMany(t *testing.T) {
	const objects = 1200 / scale
	byNotice := func(t *testing.T, w *world, keys []string) {
		t.Helper()
		f := w.function()
		for len(keys) > 0 { // as a queue of S3's hands them out
			n := min(10, len(keys))
			if r, err := run(t, f, notices(keys[:n]...)); err != nil || r.Returned != 0 {
				t.Fatalf("%v, %+v", err, r)
			}
			keys = keys[n:]
		}
	}
	byBackfill := func(t *testing.T, w *world, _ []string) {
		t.Helper()
		if err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, quietly); err != nil {
			t.Fatal(err)
		}
	}
	afterRestarts := func(t *testing.T, w *world, keys []string) {
		t.Helper()
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			runs := 0
			_ = w.function().Backfill(ctx, gunzipcsv.Selection{}, func(*gunzipcsv.Receipt, int64) {
				if runs++; runs == 2 {
					cancel()
				}
			})
			cancel()
		}
		byBackfill(t, w, keys)
	}
	for _, tc := range []struct {
		name, code string
		at         int
		convert    func(*testing.T, *world, []string)
	}{
		{"archived, first, by notice", "InvalidObjectState", 0, byNotice},
		{"encrypted, last, by backfill", "InvalidRequest", objects - 1, byBackfill},
		{"denied, in the middle, after restarts", "AccessDenied", objects / 2, afterRestarts},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, store, keys := newRefuser(t, objects)
			bad := keys[tc.at]
			store.refused[bad] = tc.code
			tc.convert(t, w, keys)
			if n := len(w.modTimes()); n != objects-1 {
				t.Fatalf("%d of %d others are converted", n, objects-1)
			}
			if got := codes(w.quarantined()); len(got) != 1 || got[0] != gunzipcsv.CodeRefused {
				t.Errorf("in quarantine: %v", got)
			}
			v := w.verify(gunzipcsv.VerifyOptions{})
			if v.Converted != objects-1 || v.Objects != objects || v.Complete() || v.Kinds["quarantined"] != 1 {
				t.Errorf("%+v", v)
			}
			// An archived object can be looked at: there is just no target.
			if unread := tc.code != "InvalidObjectState"; (v.Unread == 1) != unread || (v.Kinds["unread"] == 1) != unread || v.Unread > 1 {
				t.Errorf("unread: %+v", v)
			}
			for _, f := range v.Findings {
				if f.Where != bad {
					t.Errorf("%+v", f)
				}
			}

			// Restored, a replay brings it.
			store.mu.Lock()
			delete(store.refused, bad)
			store.mu.Unlock()
			if done, err := w.function().Replay(t.Context(), gunzipcsv.ReplayOptions{}); err != nil || done.Delivered != 1 || done.Rejected != 0 {
				t.Errorf("%+v, %v", done, err)
			}
			if v := w.verify(gunzipcsv.VerifyOptions{}); !v.Complete() || v.Converted != objects {
				t.Errorf("%+v", v)
			}
		})
	}
}

// TestCredentialsThatOpenNothing are no fault of the objects.
func TestCredentialsThatOpenNothing(t *testing.T) {
	w, store, keys := newRefuser(t, 30)
	for _, key := range keys {
		store.refused[key] = "AccessDenied"
	}
	if r, err := run(t, w.function(), notices(keys[:3]...)); err == nil || r.Quarantined != 0 || r.Returned != 3 {
		t.Errorf("%v, %+v", err, r)
	}
	if err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, quietly); err == nil || !strings.Contains(err.Error(), "none of 20 objects") {
		t.Errorf("%v", err)
	}
	if q := w.quarantined(); len(q) > 0 {
		t.Errorf("in quarantine: %v", codes(q))
	}
	v := w.verify(gunzipcsv.VerifyOptions{})
	if v.Unread != 30 || v.Kinds["unread"] != 30 || v.Complete() {
		t.Errorf("%+v", v)
	}
}

// TestStoreRetriesAreCounted lets the store's SDK try again by itself.
func TestStoreRetriesAreCounted(t *testing.T) {
	w, store, keys := newRefuser(t, 1)
	store.down = 2
	r, err := run(t, w.function(), notices(keys...))
	if err != nil || r.Out != 1 || r.Retries == 0 {
		t.Errorf("%v, %d retries, %+v", err, r.Retries, r)
	}
}
