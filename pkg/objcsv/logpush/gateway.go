package logpush

import (
	"fmt"
	"hash/crc32"
	"time"
)

// field is one field of gateway_http and how a record's value is made: JSON.
type field struct {
	name  string
	value func(*generator) string
}

func fixed(value string) func(*generator) string {
	return func(*generator) string { return value }
}

var empty = fixed(`""`)

// perUser makes an identifier that stays the same for a user.
func perUser(kind string) func(*generator) string {
	return func(g *generator) string {
		h := crc32.ChecksumIEEE([]byte(kind + number(g.user)))
		return fmt.Sprintf(`"%08x-%04x-4%03x-8%03x-%012x"`, h, h&0xffff, h>>8&0xfff, h>>16&0xfff, uint64(h)*7919)
	}
}

var gateway = []field{
	{"Datetime", func(g *generator) string { return quote(g.at.Format(time.RFC3339Nano)) }},
	{"AccountID", fixed(`"b5f3c2a19d8e47f6a0c1d2e3f4a5b6c7"`)},
	{"Action", func(g *generator) string {
		if g.blocked {
			return `"block"`
		}
		return `"allow"`
	}},
	{"AddedHeaders", fixed(`[]`)},
	{"AppControlInfo", func(g *generator) string {
		return g.some(8, `{"application":"Files","operations":["upload","share"],"matched":true}`, `{}`)
	}},
	{"ApplicationIDs", func(g *generator) string { return sites[g.site].appIDs }},
	{"ApplicationNames", func(g *generator) string { return sites[g.site].apps }},
	{"ApplicationStatuses", func(g *generator) string { return g.some(3, `["approved"]`, `["unreviewed"]`) }},
	{"BlockedFileHash", empty},
	{"BlockedFileName", func(g *generator) string {
		if g.blocked {
			return `"invoice, final.xlsm"`
		}
		return `""`
	}},
	{"BlockedFileReason", empty},
	{"BlockedFileSize", fixed(`0`)},
	{"BlockedFileType", empty},
	{"CategoryIDs", func(g *generator) string { return sites[g.site].catIDs }},
	{"CategoryNames", func(g *generator) string { return sites[g.site].cats }},
	{"DeletedHeaders", fixed(`[]`)},
	{"DestinationIP", func(g *generator) string {
		return quote(fmt.Sprintf("104.%d.%d.%d", 16+g.site, g.IntN(4), g.IntN(256)))
	}},
	{"DestinationIPContinentCode", fixed(`"NA"`)},
	{"DestinationIPCountryCode", fixed(`"US"`)},
	{"DestinationPort", fixed(`443`)},
	{"DeviceID", perUser("device")},
	{"DeviceName", func(g *generator) string { return quote(fmt.Sprintf("LAPTOP-%04d", g.user)) }},
	{"DownloadMatchedDlpProfileEntries", fixed(`[]`)},
	{"DownloadMatchedDlpProfiles", fixed(`[]`)},
	{"DownloadedFileNames", func(g *generator) string { return g.some(20, `["Q3 \"draft\".pdf"]`, `[]`) }},
	{"Email", func(g *generator) string { return quote(fmt.Sprintf("user%03d@example.com", g.user)) }},
	{"FileInfo", fixed(`{"files":[]}`)},
	{"ForensicCopyStatus", fixed(`"none"`)},
	{"HTTPHost", func(g *generator) string { return quote(sites[g.site].host) }},
	{"HTTPMethod", func(g *generator) string { return g.some(5, `"POST"`, `"GET"`) }},
	{"HTTPStatusCode", func(g *generator) string { return g.pick([]string{"200", "200", "200", "204", "302", "304", "404"}) }},
	{"HTTPVersion", fixed(`"HTTP/2"`)},
	{"IsIsolated", func(g *generator) string { return g.some(30, `true`, `false`) }},
	{"PolicyID", func(g *generator) string {
		if g.blocked {
			return `"8a7f1e20-5a7d-4d0e-9a52-0d7a4c1b2e3f"`
		}
		return `""`
	}},
	{"PolicyName", func(g *generator) string {
		if g.blocked {
			return `"Block macros, all offices"`
		}
		return `""`
	}},
	{"PrivateAppAUD", empty},
	{"ProxyEndpoint", empty},
	{"Quarantined", fixed(`false`)},
	{"RedirectTargetURI", empty},
	{"Referer", func(g *generator) string { return g.some(2, quote("https://"+sites[g.site].host+"/"), `""`) }},
	{"RegistrationID", perUser("registration")},
	{"RequestID", func(g *generator) string { return quote(g.hex(32)) }},
	{"SessionID", perUser("session")},
	{"SetHeaders", fixed(`[]`)},
	{"SourceIP", func(g *generator) string { return quote(fmt.Sprintf("203.0.113.%d", g.user)) }},
	{"SourceIPContinentCode", fixed(`"AS"`)},
	{"SourceIPCountryCode", fixed(`"JP"`)},
	{"SourceInternalIP", func(g *generator) string { return quote(fmt.Sprintf("10.20.%d.%d", g.user/100, g.user)) }},
	{"SourcePort", func(g *generator) string { return number(32768 + g.IntN(28000)) }},
	{"TenantID", fixed(`"7f6e5d4c3b2a19080706050403020100"`)},
	{"URL", func(g *generator) string {
		return quote(fmt.Sprintf("https://%s/%s?id=%s&page=%d", sites[g.site].host, g.pick(paths), g.hex(12), g.IntN(40)))
	}},
	{"UntrustedCertificateAction", fixed(`"none"`)},
	{"UploadMatchedDlpProfileEntries", fixed(`[]`)},
	{"UploadMatchedDlpProfiles", fixed(`[]`)},
	{"UploadedFileNames", func(g *generator) string { return g.some(40, `["見積書.docx","=notes.txt"]`, `[]`) }},
	{"UserAgent", func(g *generator) string { return quote(agents[g.user%len(agents)]) }},
	{"UserID", perUser("user")},
	{"VirtualNetworkID", fixed(`"d1a3c0de-0000-4000-8000-000000000001"`)},
	{"VirtualNetworkName", fixed(`"default"`)},
	{"Warnings", fixed(`[]`)},
}

var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
	"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.18227; Pro)",
	"Teams/1.7.00 \"classic\"",
}

var paths = []string{"api/v2/items", "search", "assets/app.js", "mail/u/0/", "files/reports/2026", "login", "graphql"}

var sites = []struct{ host, appIDs, apps, catIDs, cats string }{
	{"outlook.office365.example", "[608,731]", `["Office 365","Outlook"]`, "[24,85]", `["Business","Webmail"]`},
	{"cdn.static.example", "[]", "[]", "[155]", `["Technology"]`},
	{"drive.files.example", "[554]", `["Files"]`, "[90,24]", `["File Sharing","Business"]`},
	{"news.example", "[]", "[]", "[122]", `["News & Media"]`},
	{"chat.team.example", "[901]", `["Team Chat"]`, "[88]", `["Chat"]`},
	{"video.example", "[402]", `["Video"]`, "[164,32]", `["Video Streaming","Entertainment"]`},
	{"code.example", "[733]", `["Code Hosting"]`, "[155,24]", `["Technology","Business"]`},
}
