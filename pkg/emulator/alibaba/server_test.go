package alibaba_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	wire "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	management = "1000000000000001"
	member     = "1000000000000002"
	role       = "acs:ram::" + member + ":role/ResourceDirectoryAccountAccessRole"
	sts        = "2015-04-01"
	tagAPI     = "2018-08-28"
	ecs        = "2014-05-26"
	slb        = "2014-05-15"
)

// answer is what any of the calls is answered.
type answer struct {
	Code         string
	NextToken    string
	TagResources json.RawMessage
	Credentials  struct {
		AccessKeyID     string `json:"AccessKeyId"`
		AccessKeySecret string
		SecurityToken   string
	}

	status int
	raw    string
}

// caller calls through the vendor's SDK, which signs.
type caller struct {
	t                 *testing.T
	server            *alibaba.Server
	id, secret, token string
	// spoil changes a request after it was signed.
	spoil func(*http.Request)
	body  []byte
}

// Call implements the SDK's HttpClient.
func (c *caller) Call(r *http.Request, _ *http.Transport) (*http.Response, error) {
	if r.Body != nil {
		c.body, _ = io.ReadAll(r.Body)
	}
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(c.body))
	for k, v := range r.Header {
		in.Header[http.CanonicalHeaderKey(k)] = v
	}
	in.Host = r.Host
	if c.spoil != nil {
		c.spoil(in)
	}
	rec := httptest.NewRecorder()
	c.server.ServeHTTP(rec, in)
	res := rec.Result()
	raw, _ := io.ReadAll(res.Body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"X-Status": {fmt.Sprint(res.StatusCode)}}, Body: io.NopCloser(bytes.NewReader(raw))}, nil
}

func (c *caller) call(version, action string, query map[string]string) answer {
	c.t.Helper()
	sdk, err := openapi.NewClient(&wire.Config{
		AccessKeyId: &c.id, AccessKeySecret: &c.secret, SecurityToken: &c.token,
		Endpoint: dara.String("tag.cn-hangzhou.aliyuncs.com"), Protocol: dara.String("http"), HttpClient: c,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	q := map[string]*string{}
	for k, v := range query {
		q[k] = &v
	}
	out, err := sdk.CallApi(&wire.Params{
		Action: &action, Version: &version, Pathname: dara.String("/"), Method: dara.String("POST"), AuthType: dara.String("AK"),
		Style: dara.String("RPC"), ReqBodyType: dara.String("formData"), BodyType: dara.String("string"),
	}, &wire.OpenApiRequest{Query: q}, &dara.RuntimeOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	a := answer{raw: out["body"].(string)}
	if _, err := fmt.Sscan(*dara.String(fmt.Sprint(out["headers"].(map[string]any)["x-status"])), &a.status); err != nil {
		c.t.Fatal(err, out)
	}
	if err := json.Unmarshal([]byte(a.raw), &a); err != nil {
		c.t.Fatalf("%v: %s", err, a.raw)
	}
	return a
}

func cloud(t *testing.T, o alibaba.Options) (*alibaba.Server, *caller) {
	s := alibaba.New(o)
	s.AddAccount(member)
	return s, &caller{t: t, server: s, id: "ak", secret: "secret"}
}

// session is a caller in the member account.
func (c *caller) session(query map[string]string) *caller {
	c.t.Helper()
	q := map[string]string{"RoleArn": role, "RoleSessionName": "tester"}
	for k, v := range query {
		q[k] = v
	}
	a := c.call(sts, "AssumeRole", q)
	if a.status != 200 {
		c.t.Fatal(a.raw)
	}
	return &caller{t: c.t, server: c.server, id: a.Credentials.AccessKeyID, secret: a.Credentials.AccessKeySecret, token: a.Credentials.SecurityToken}
}

func (c *caller) want(a answer, status int, code string) {
	c.t.Helper()
	if a.status != status || a.Code != code {
		c.t.Errorf("%d %s, want %d %s: %s", a.status, a.Code, status, code, a.raw)
	}
}

var anInstance = alibaba.Resource{Region: "cn-hangzhou", Type: "ACS::ECS::Instance", ID: "i-1"}

// TestSignatures takes what the vendor's SDK signs, and nothing else.
func TestSignatures(t *testing.T) {
	s, c := cloud(t, alibaba.Options{})
	s.AddAccount(management).Create(anInstance, map[string]string{"größe ~*+": "a b&c=d/e"})
	query := map[string]string{"RegionId": "cn-hangzhou", "ResourceType": "instance", "ResourceId.1": "i-1", "Odd": "ö ~*+&=/"}
	a := c.call(ecs, "ListTagResources", query)
	if a.status != 200 || !strings.Contains(a.raw, "größe ~*+") {
		t.Fatal(a.raw)
	}
	for name, tc := range map[string]struct {
		spoil func(*http.Request)
		code  string
	}{
		"another query":  {func(r *http.Request) { r.URL.RawQuery += "&ResourceId.2=i-2" }, "SignatureDoesNotMatch"},
		"another action": {func(r *http.Request) { r.Header.Set("x-acs-version", tagAPI) }, "SignatureDoesNotMatch"},
		"another host":   {func(r *http.Request) { r.Host = "evil.example" }, "SignatureDoesNotMatch"},
		"another method": {func(r *http.Request) { r.Method = http.MethodGet }, "SignatureDoesNotMatch"},
		"another body":   {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) }, "IncompleteSignature"},
		"a header more":  {func(r *http.Request) { r.Header.Set("x-acs-other", "1") }, "IncompleteSignature"},
		"no signature":   {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingParameter"},
		"another scheme": {func(r *http.Request) { r.Header.Set("Authorization", "Basic YTpi") }, "IncompleteSignature"},
		"an empty signature": {func(r *http.Request) {
			r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=host,Signature=")
		}, "IncompleteSignature"},
		"no date":           {func(r *http.Request) { r.Header.Del("x-acs-date") }, "IllegalTimestamp"},
		"an old date":       {func(r *http.Request) { r.Header.Set("x-acs-date", "2020-01-01T00:00:00Z") }, "InvalidTimeStamp.Expired"},
		"a token of nobody": {func(r *http.Request) { r.Header.Set("x-acs-security-token", "x") }, "IncompleteSignature"},
	} {
		t.Run(name, func(t *testing.T) {
			c := *c
			c.t, c.spoil = t, tc.spoil
			if a := c.call(ecs, "ListTagResources", query); a.Code != tc.code || a.status == 200 {
				t.Errorf("%d %s, want %s", a.status, a.raw, tc.code)
			}
		})
	}
	wrong := &caller{t: t, server: s, id: "ak", secret: "other"}
	wrong.want(wrong.call(ecs, "ListTagResources", query), 400, "SignatureDoesNotMatch")
	nobody := &caller{t: t, server: s, id: "nobody", secret: "secret"}
	nobody.want(nobody.call(ecs, "ListTagResources", query), 404, "InvalidAccessKeyId.NotFound")
	// The same request twice.
	var nonce, auth, date string
	twice := *c
	twice.spoil = func(r *http.Request) {
		if nonce == "" {
			nonce, auth, date = r.Header.Get("x-acs-signature-nonce"), r.Header.Get("Authorization"), r.Header.Get("x-acs-date")
		}
		r.Header.Set("x-acs-signature-nonce", nonce)
		r.Header.Set("Authorization", auth)
		r.Header.Set("x-acs-date", date)
	}
	twice.want(twice.call(ecs, "ListTagResources", query), 200, "")
	twice.want(twice.call(ecs, "ListTagResources", query), 400, "SignatureNonceUsed")
	skewed, sc := cloud(t, alibaba.Options{Skew: 20 * time.Minute})
	_ = skewed
	sc.want(sc.call(ecs, "ListTagResources", query), 400, "InvalidTimeStamp.Expired")
}

func TestRoles(t *testing.T) {
	s, c := cloud(t, alibaba.Options{})
	a := s.AddAccount(member)
	a.Create(anInstance, map[string]string{"k": "v"})
	in := c.session(nil)
	query := map[string]string{"RegionId": "cn-hangzhou", "ResourceType": "instance", "ResourceId.1": "i-1"}
	if got := in.call(ecs, "ListTagResources", query); !strings.Contains(got.raw, `"TagValue":"v"`) {
		t.Error(got.raw)
	}
	if got := c.call(ecs, "ListTagResources", query); strings.Contains(got.raw, "TagValue") {
		t.Errorf("the management account sees a member's resource: %s", got.raw)
	}
	bare := *in
	bare.token = ""
	bare.want(bare.call(ecs, "ListTagResources", query), 404, "InvalidAccessKeyId.NotFound")
	forged := *in
	forged.token = "forged"
	forged.want(forged.call(ecs, "ListTagResources", query), 400, "InvalidSecurityToken.Malformed")
	in.want(in.call(sts, "AssumeRole", map[string]string{"RoleArn": role, "RoleSessionName": "again"}), 403, "NoPermission")
	s.Expire()
	in.want(in.call(ecs, "ListTagResources", query), 400, "InvalidSecurityToken.Expired")
	for code, q := range map[string]map[string]string{
		"MissingParameter 400":                 {"RoleArn": role},
		"InvalidParameter.RoleSessionName 400": {"RoleArn": role, "RoleSessionName": "not allowed!"},
		"InvalidParameter.DurationSeconds 400": {"RoleArn": role, "RoleSessionName": "tester", "DurationSeconds": "899"},
		"InvalidParameter.RoleArn 400":         {"RoleArn": "role/x", "RoleSessionName": "tester"},
		"EntityNotExist.Role 404":              {"RoleArn": "acs:ram::4711:role/ResourceDirectoryAccountAccessRole", "RoleSessionName": "tester"},
	} {
		var name string
		var status int
		if _, err := fmt.Sscan(code, &name, &status); err != nil {
			t.Fatal(err)
		}
		c.want(c.call(sts, "AssumeRole", q), status, name)
	}
	a.Trust(false)
	c.want(c.call(sts, "AssumeRole", map[string]string{"RoleArn": role, "RoleSessionName": "tester"}), 403, "NoPermission")
	if n := s.Calls()[alibaba.Call{Account: member, Service: "STS", Action: "AssumeRole"}]; n < 3 {
		t.Errorf("%d calls of AssumeRole were counted for the member", n)
	}
}

// TestOIDC opens a session by a token alone.
func TestOIDC(t *testing.T) {
	s, _ := cloud(t, alibaba.Options{})
	post := func(form url.Values) (*httptest.ResponseRecorder, string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/?Action=AssumeRoleWithOIDC&Version=2015-04-01&Format=JSON", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		return rec, rec.Body.String()
	}
	form := url.Values{"RoleArn": {role}, "OIDCProviderArn": {"acs:ram::1:oidc-provider/google"}, "OIDCToken": {"identity-token"}, "RoleSessionName": {"tester"}}
	if rec, body := post(form); rec.Code != 200 || !strings.Contains(body, "SecurityToken") {
		t.Error(rec.Code, body)
	}
	form.Set("OIDCToken", "another")
	if rec, body := post(form); rec.Code != 400 || !strings.Contains(body, "AuthenticationFail") {
		t.Error(rec.Code, body)
	}
}

// TestLimits is what a call may hold.
func TestLimits(t *testing.T) {
	s, c := cloud(t, alibaba.Options{})
	s.AddAccount(management).Create(anInstance, map[string]string{"k": "v"})
	ids := func(name string, n int, value string) map[string]string {
		q := map[string]string{"RegionId": "cn-hangzhou", "ResourceType": "instance"}
		for i := range n {
			q[fmt.Sprint(name, ".", i+1)] = fmt.Sprint(value, i)
		}
		return q
	}
	arn := "arn:acs:ecs:cn-hangzhou:" + management + ":instance/i-"
	c.want(c.call(ecs, "ListTagResources", ids("ResourceId", 50, "i-")), 200, "")
	c.want(c.call(ecs, "ListTagResources", ids("ResourceId", 51, "i-")), 400, "NumberExceed.ResourceIds")
	c.want(c.call(slb, "ListTagResources", ids("ResourceId", 20, "lb-")), 200, "")
	c.want(c.call(slb, "ListTagResources", ids("ResourceId", 21, "lb-")), 400, "NumberExceed.ResourceIds")
	c.want(c.call(tagAPI, "ListTagResources", ids("ResourceARN", 50, arn)), 200, "")
	c.want(c.call(tagAPI, "ListTagResources", ids("ResourceARN", 51, arn)), 400, "NumberExceed.ResourceARN")
	for code, q := range map[string]map[string]string{
		"Duplicate.ResourceId 400 " + ecs:            {"RegionId": "cn-hangzhou", "ResourceType": "instance", "ResourceId.1": "i", "ResourceId.2": "i"},
		"MissingParameter 400 " + ecs:                {"ResourceType": "instance", "ResourceId.1": "i"},
		"InvalidResourceType.NotFound 404 " + ecs:    {"RegionId": "cn-hangzhou", "ResourceType": "loadbalancer", "ResourceId.1": "i"},
		"InvalidParameter.ResourceARN 400 " + tagAPI: {"RegionId": "cn-hangzhou", "ResourceARN.1": "acs:ecs:cn-hangzhou:1:instance/i"},
		"NoPermission 403 " + tagAPI:                 {"RegionId": "cn-hangzhou", "ResourceARN.1": "arn:acs:ecs:cn-hangzhou:4711:instance/i"},
		"InvalidParameter.RegionId 400 " + tagAPI:    {"RegionId": "cn-beijing", "ResourceARN.1": arn + "1"},
		"InvalidParameter.NextToken 400 " + tagAPI:   {"RegionId": "cn-hangzhou", "ResourceARN.1": arn + "1", "NextToken": "made up"},
		"InvalidParameter.PageSize 400 " + tagAPI:    {"RegionId": "cn-hangzhou", "PageSize": "1001"},
		"UnsupportedResourceType 400 " + tagAPI:      {"RegionId": "cn-hangzhou", "ResourceARN.1": "arn:acs:actiontrail:cn-hangzhou:" + management + ":trail/x"},
	} {
		var name, version string
		var status int
		if _, err := fmt.Sscan(code, &name, &status, &version); err != nil {
			t.Fatal(err)
		}
		c.want(c.call(version, "ListTagResources", q), status, name)
	}
	c.want(c.call(ecs, "DescribeInstances", nil), 404, "InvalidAction.NotFound")
	c.want(c.call("1999-01-01", "ListTagResources", nil), 404, "InvalidAction.NotFound")
}

func TestPagesAndCategories(t *testing.T) {
	s, c := cloud(t, alibaba.Options{PageRows: 3})
	a := s.AddAccount(management)
	vpc := alibaba.Resource{Region: "cn-hangzhou", Type: "ACS::VPC::VPC", ID: "vpc-1"}
	a.Create(anInstance, map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6", "g": "7"})
	a.Create(vpc, map[string]string{"own": "1"})
	a.TagSystem(vpc, map[string]string{"acs:x": "2"})
	seen := ""
	query := map[string]string{"RegionId": "cn-hangzhou", "ResourceType": "instance", "ResourceId.1": "i-1"}
	pages := 0
	for {
		got := c.call(ecs, "ListTagResources", query)
		var list struct{ TagResource []struct{ TagKey string } }
		if err := json.Unmarshal(got.TagResources, &list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list.TagResource {
			seen += r.TagKey
		}
		if pages++; got.NextToken == "" {
			break
		}
		query["NextToken"] = got.NextToken
	}
	if seen != "abcdefg" || pages != 3 {
		t.Errorf("%d pages with %s", pages, seen)
	}
	for category, want := range map[string][2]bool{"": {true, true}, "All": {true, true}, "Custom": {true, false}, "System": {false, true}} {
		got := c.call(tagAPI, "ListTagResources", map[string]string{"RegionId": "cn-hangzhou", "Category": category, "ResourceARN.1": "arn:acs:vpc:*:*:vpc/vpc-1"})
		if strings.Contains(got.raw, `"own"`) != want[0] || strings.Contains(got.raw, `"acs:x"`) != want[1] {
			t.Errorf("category %q: %s", category, got.raw)
		}
	}
}

// TestResourcesThatChange shows at once; what is deleted is left out.
func TestResourcesThatChange(t *testing.T) {
	s, c := cloud(t, alibaba.Options{})
	a := s.AddAccount(management)
	query := map[string]string{"RegionId": "cn-hangzhou", "ResourceType": "instance", "ResourceId.1": "i-1"}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, ""},
		{func() { a.Create(anInstance, nil) }, ""},
		{func() { a.Tag(anInstance, map[string]string{"team": "a"}) }, `"team"`},
		{func() { a.Untag(anInstance, "team") }, ""},
		{func() { a.Tag(anInstance, map[string]string{"x": "1"}); a.Delete(anInstance) }, ""},
		{func() { a.Tag(anInstance, map[string]string{"x": "1"}) }, ""}, // of what is not there
	} {
		step.do()
		got := c.call(ecs, "ListTagResources", query)
		if has := strings.Contains(got.raw, "TagKey"); got.status != 200 || has != (step.want != "") || !strings.Contains(got.raw, step.want) {
			t.Errorf("%s, want %s", got.raw, step.want)
		}
	}
}

func TestTrouble(t *testing.T) {
	s, c := cloud(t, alibaba.Options{CallsPerSecond: 2})
	query := map[string]string{"RegionId": "cn-hangzhou", "ResourceType": "instance", "ResourceId.1": "i-1"}
	a := s.AddAccount(management)
	a.Deny("ecs:ListTagResources")
	c.want(c.call(ecs, "ListTagResources", query), 403, "NoPermission")
	a.Allow("ecs:ListTagResources")
	c.want(c.call(ecs, "ListTagResources", query), 200, "")
	c.want(c.call(ecs, "ListTagResources", query), 400, "Throttling.User") // the third in a second
	a.Trouble("", alibaba.Trouble{Code: "ServiceUnavailable"})
	c.want(c.call(ecs, "ListTagResources", query), 503, "ServiceUnavailable")
	a.Trouble("", alibaba.Trouble{Code: "Throttling", Until: time.Now().Add(-time.Second)})
	c.want(c.call(ecs, "ListTagResources", query), 400, "Throttling.User")
	if n := s.Count("ListTagResources"); n != 5 {
		t.Errorf("%d calls were counted", n)
	}
}
