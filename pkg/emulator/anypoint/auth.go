package anypoint

import (
	"crypto/rand"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
)

// tokens are the access tokens that are good, and until when.
type tokens struct {
	mu     sync.Mutex
	issued map[string]time.Time
}

func (t *tokens) issue(ttl time.Duration) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.issued == nil {
		t.issued = map[string]time.Time{}
	}
	value := rand.Text()
	t.issued[value] = time.Now().Add(ttl)
	return value
}

func (t *tokens) good(value string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.issued[value])
}

// RevokeTokens makes every token issued so far invalid.
func (s *Server) RevokeTokens() {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	clear(s.tokens.issued)
}

// token is POST /accounts/api/v2/oauth2/token, with a form or JSON body.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	var in struct {
		GrantType    string `json:"grant_type"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"` // #nosec G117 -- what is asked for
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/json":
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			oauthError(w, http.StatusBadRequest, "invalid_request", "the body is not JSON")
			return
		}
	default:
		if err := r.ParseForm(); err != nil {
			oauthError(w, http.StatusBadRequest, "invalid_request", "the body is not a form")
			return
		}
		in.GrantType, in.ClientID, in.ClientSecret = r.PostForm.Get("grant_type"), r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	switch {
	case in.GrantType != "client_credentials":
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "grant_type must be client_credentials")
	case in.ClientID == "" || in.ClientSecret == "":
		oauthError(w, http.StatusBadRequest, "invalid_request", "client_id and client_secret are required")
	case in.ClientID != s.opts.ClientID || in.ClientSecret != s.opts.ClientSecret:
		oauthError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	default:
		reply(w, http.StatusOK, map[string]any{
			"access_token": s.tokens.issue(s.opts.TokenTTL),
			"expires_in":   int(s.opts.TokenTTL.Seconds()),
			"token_type":   "bearer",
		})
	}
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	reply(w, status, map[string]any{"error": code, "error_description": description})
}

// authorised lets requests with a good token through.
func (s *Server) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "bearer") || !s.tokens.good(value) {
			problem(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		next(w, r)
	}
}
