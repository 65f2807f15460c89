package sls

import (
	"fmt"
	"strings"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

// Access returns an encoded LogGroup of n log records of a web application
// firewall, of about 1.2 KB in thirty fields. Source: Alibaba Cloud's page on the
// fields of WAF logs.
func (g *Generator) Access(n int) []byte {
	lg := &sdk.LogGroup{
		Topic: proto.String("waf_access_log"), Source: proto.String("waf"),
		LogTags: []*sdk.LogTag{{Key: proto.String("__receive_time__"), Value: proto.String(fmt.Sprint(g.Start.Unix()))}},
	}
	for range n {
		l := g.log() // for its time
		l.Contents = nil
		for _, f := range g.request() {
			l.Contents = append(l.Contents, &sdk.LogContent{Key: proto.String(f[0]), Value: proto.String(f[1])})
		}
		lg.Logs = append(lg.Logs, l)
	}
	raw, err := proto.Marshal(lg)
	if err != nil {
		panic(err) // every required field is set
	}
	return raw
}

var (
	paths     = []string{"/api/v2/orders", "/static/js/app.3f9c2.js", "/login", "/検索", "/images/products/large", "/graphql"}
	referers  = []string{"https://www.example.com/catalogue/shoes?sort=price&page=3", "https://www.google.com/", "-", "https://mail.example.com/inbox"}
	languages = []string{"de-CH,de;q=0.9,en-GB;q=0.8,en;q=0.7", "zh-CN,zh;q=0.9", "en-US,en;q=0.5"}
)

func (g *Generator) request() [][2]string {
	pick := func(of []string) string { return of[g.rng.IntN(len(of))] }
	number := func(below int) string { return fmt.Sprint(g.rng.IntN(below)) }
	client, path := fmt.Sprintf("203.0.%d.%d", g.rng.IntN(250), g.rng.IntN(250)), pick(paths)
	query := fmt.Sprintf("id=%d&token=%016x&utm_source=newsletter&utm_campaign=spring-%d", g.rng.IntN(1e6), g.rng.Uint64(), g.rng.IntN(40))
	cookie := fmt.Sprintf("session=%016x%016x; consent=all; theme=dark; _ga=GA1.2.%d.%d; cart=%x", g.rng.Uint64(), g.rng.Uint64(), g.rng.IntN(1e9), g.rng.IntN(1e9), g.rng.Uint32())
	return [][2]string{
		{"account", "1663" + number(1e9)}, {"account_action", ""}, {"body_bytes_sent", number(90000)}, {"content_type", "application/json; charset=utf-8"},
		{"final_action", pick([]string{"", "block", "captcha"})}, {"host", "shop.example.com"}, {"http_accept_language", pick(languages)}, {"http_cookie", cookie},
		{"http_referer", pick(referers)}, {"http_user_agent", pick(agents) + " (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"}, {"http_x_forwarded_for", client + ", 10.0.4." + number(250)},
		{"https", "on"}, {"matched_host", "*.example.com"}, {"querystring", query}, {"real_client_ip", client}, {"region", "cn"},
		{"remote_addr", client}, {"remote_port", number(65000)}, {"request_length", number(4000)}, {"request_method", pick([]string{"GET", "POST", "HEAD"})},
		{"request_path", path}, {"request_time_msec", number(900)}, {"request_traceid", fmt.Sprintf("%016x%016x", g.rng.Uint64(), g.rng.Uint64())},
		{"request_uri", path + "?" + query}, {"server_protocol", "HTTP/2.0"}, {"ssl_cipher", "ECDHE-RSA-AES128-GCM-SHA256"}, {"ssl_protocol", "TLSv1.3"},
		{"status", pick([]string{"200", "304", "404", "502"})}, {"upstream_addr", "192.0.2." + number(250) + ":443"}, {"upstream_response_time", "0." + number(1000)},
		{"user_id", strings.Repeat("0", 4) + number(1e9)},
	}
}
