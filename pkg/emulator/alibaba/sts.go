package alibaba

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// sessionName is what RoleSessionName may be.
var sessionName = regexp.MustCompile(`^[A-Za-z0-9.@_-]{2,64}$`)

// roleOwner is the account that a role's ARN names: acs:ram::<account>:role/<name>.
func (s *Server) roleOwner(arn string) *Account {
	parts := strings.Split(arn, ":")
	if len(parts) != 5 {
		return nil
	}
	return s.accounts[parts[3]]
}

// assumeRole opens a session (STS 2015-04-01 AssumeRole).
func assumeRole(s *Server, q *request) (any, *failure) {
	if q.key.token != "" {
		// A session may assume a role of its own right, which nobody gave it here.
		return nil, forbidden()
	}
	return s.session(q)
}

// assumeRoleWithOIDC opens a session by an identity token, which is the proof.
func assumeRoleWithOIDC(s *Server, q *request) (any, *failure) {
	for _, name := range []string{"OIDCProviderArn", "OIDCToken"} {
		if q.params.Get(name) == "" {
			return nil, missing(name)
		}
	}
	if q.params.Get("OIDCToken") != s.opts.OIDCToken {
		return nil, fail(http.StatusBadRequest, "AuthenticationFail.OIDCToken.Invalid", "The OIDC token is invalid.")
	}
	return s.session(q)
}

// callerIdentity tells whose the key is, which needs no permission.
func callerIdentity(_ *Server, q *request) (any, *failure) {
	kind := "RAMUser"
	if q.key.token != "" {
		kind = "AssumedRoleUser"
	}
	return map[string]string{"RequestId": requestID(), "AccountId": q.key.account, "IdentityType": kind, "Arn": "acs:ram::" + q.key.account + ":user/of-the-key"}, nil
}

func (s *Server) session(q *request) (any, *failure) {
	arn, name := q.params.Get("RoleArn"), q.params.Get("RoleSessionName")
	if arn == "" {
		return nil, missing("RoleArn")
	}
	if name == "" {
		return nil, missing("RoleSessionName")
	}
	if !sessionName.MatchString(name) {
		return nil, fail(http.StatusBadRequest, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed.")
	}
	if len(q.params.Get("Policy")) > 2048 {
		return nil, fail(http.StatusBadRequest, "InvalidParameter.PolicySize", "The size of Policy must be smaller than 2048 bytes.")
	}
	longest := int(s.opts.LongestSession / time.Second)
	seconds, f := q.number("DurationSeconds", min(3600, longest), min(900, longest), longest)
	if f != nil {
		return nil, f
	}
	owner := s.roleOwner(arn)
	_, role, isRole := strings.Cut(arn, ":role/")
	switch {
	case !strings.HasPrefix(arn, "acs:ram::") || !isRole:
		return nil, fail(http.StatusBadRequest, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.")
	case owner == nil || !strings.EqualFold(role, s.opts.Role):
		return nil, fail(http.StatusNotFound, "EntityNotExist.Role", "The role not exists: %s.", arn)
	case !owner.trusts:
		return nil, fail(http.StatusForbidden, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")
	}
	expires := s.now().Add(time.Duration(seconds) * time.Second).UTC().Truncate(time.Second)
	id := "STS." + random(12)
	k := &key{secret: random(20), account: owner.id, token: "CAIS" + random(60), expires: expires, session: name}
	s.keys[id] = k
	return map[string]any{
		"RequestId": requestID(),
		"AssumedRoleUser": map[string]string{
			"Arn":           "acs:ram::" + owner.id + ":role/" + strings.ToLower(role) + "/" + name,
			"AssumedRoleId": "3" + owner.id + ":" + name,
		},
		"Credentials": map[string]string{
			"AccessKeyId": id, "AccessKeySecret": k.secret, "SecurityToken": k.token, "Expiration": expires.Format("2006-01-02T15:04:05Z"),
		},
	}, nil
}

// Expire ends all sessions before their time.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.token != "" {
			k.expires = s.now().Add(-time.Second)
		}
	}
}
