package bucket

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Address is a bucket URL taken apart and found good.
type Address struct {
	// Scheme is the kind of bucket: one of those [Open] lists.
	Scheme string
	// Name is the bucket's; empty for file and mem, whose buckets have none.
	Name string
	// Prefix is the folder that the URL's prefix= names, with a slash at its
	// end: all keys are below it. Empty means the whole bucket.
	Prefix string

	dir    string     // of file://: the directory, relative after file://./
	params url.Values // all but prefix
}

// Parse takes a bucket URL apart. A bare name means gs://name, and prefix=p
// the folder p/. What a URL must not hold is refused, never dropped, and the
// error says what to write instead; it never repeats the value of a parameter
// nor what may be one: someone may have put a key there.
func Parse(raw string) (Address, error) {
	u, err := read(raw)
	if err != nil {
		return Address{}, err
	}
	kind, ok := schemes[u.Scheme]
	if !ok {
		return Address{}, fmt.Errorf("scheme %s:// is not understood: want one of %s", u.Scheme, schemeNames())
	}
	a := Address{Scheme: u.Scheme}
	if a.params, err = parameters(u, kind); err != nil {
		return Address{}, err
	}
	if a.Prefix, err = folder(a.params.Get("prefix")); err != nil {
		return Address{}, fmt.Errorf("parameter prefix: %w", err)
	}
	a.params.Del("prefix")
	if err := kind.place(&a, u); err != nil {
		return Address{}, err
	}
	if kind.check != nil {
		if err := kind.check(a); err != nil {
			return Address{}, fmt.Errorf("%s://%s: %w", a.Scheme, a.Name, err)
		}
	}
	return a, nil
}

// Check tells what is wrong with a bucket URL, without opening it.
func Check(raw string) error {
	_, err := Parse(raw)
	return err
}

// read parses raw as far as all URLs of buckets are alike.
func read(raw string) (*url.URL, error) {
	switch {
	case raw == "":
		return nil, errors.New("empty: want a bucket URL such as gs://name?prefix=folder/")
	case strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return nil, errors.New("has white space or a control character in it: remove it; a blank that belongs to a folder's name is written %20")
	case strings.Contains(raw, "#"):
		return nil, errors.New("has a # in it, from which on a URL is a fragment: remove it; a # that belongs to a folder's name is written %23")
	}
	if !strings.Contains(raw, "://") {
		if name, _, found := strings.Cut(raw, ":"); found && schemes[strings.ToLower(name)].open != nil {
			return nil, fmt.Errorf("%s: is followed by too few slashes: want %s", name, schemes[strings.ToLower(name)].example)
		}
		raw = "gs://" + raw
	}
	u, err := url.Parse(raw)
	var escape url.EscapeError
	switch {
	case errors.As(err, &escape):
		return nil, errors.New("not a bucket URL: a % in it is followed by no two hexadecimal digits: write %25 for a %")
	case err != nil: // its text has much of raw
		return nil, errors.New("not a bucket URL: want one such as gs://name?prefix=folder/")
	case u.User != nil:
		return nil, errors.New("credentials do not belong into a bucket URL: leave out what is before the @, and give them as the scheme's own variables")
	}
	return u, nil
}

// parameters returns those of u, each known and given once.
func parameters(u *url.URL, kind scheme) (url.Values, error) {
	if strings.Contains(u.RawQuery, "+") {
		return nil, errors.New("has a + among its parameters, where it stands for a blank: write %2B for a +, or %20 for a blank")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("its parameters cannot be read: want ?name=value&name=value, with %25 for a % and %3B for a semicolon")
	}
	for name, values := range q {
		switch v := values[0]; {
		case name != "prefix" && !slices.Contains(kind.params, name):
			return nil, fmt.Errorf("%s://: parameter %q is not understood: want one of %s", u.Scheme, clip(name), strings.Join(append([]string{"prefix"}, kind.params...), ", "))
		case len(values) > 1:
			return nil, fmt.Errorf("parameter %s is given twice: keep one", name)
		case strings.TrimSpace(v) != v || strings.ContainsFunc(v, unicode.IsControl):
			return nil, fmt.Errorf("parameter %s begins or ends with white space, or has a control character in it: remove it", name)
		case v == "":
			q.Del(name)
		}
	}
	return q, nil
}

// clip keeps a parameter's name from being all of a value with its name left
// out.
func clip(name string) string {
	const longest = 32
	if len(name) > longest {
		return strings.ToValidUTF8(name[:longest], "") + "…"
	}
	return name
}

// folder returns prefix with a slash at its end. What a directory would take
// for another one, or a person for a folder of the top, is refused.
func folder(prefix string) (string, error) {
	if prefix == "" {
		return "", nil
	}
	prefix = strings.TrimSuffix(prefix, "/")
	for part := range strings.SplitSeq(prefix, "/") {
		switch part {
		case "":
			return "", errors.New("has an empty folder in it: want prefix=folder/ or prefix=a/b/, without a slash before it and none doubled")
		case ".", "..":
			return "", errors.New("has . or .. for a folder: write the folder's full name")
		}
	}
	return prefix + "/", nil
}

// bucketName is what stores allow, and a little more: S3 once took capitals
// and underscores.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// named places a bucket that has a name, and nothing but that.
func named(a *Address, u *url.URL) error {
	kind := schemes[u.Scheme]
	switch {
	case u.Host == "":
		return fmt.Errorf("names no bucket: want %s", kind.example)
	case !bucketName.MatchString(u.Host):
		return fmt.Errorf("what follows %s:// is no bucket's name: want letters, digits, dots, dashes and underscores, as in %s", u.Scheme, kind.example)
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		return fmt.Errorf("%s://%s/%s: a folder is given as %s://%s?prefix=%s/", u.Scheme, u.Host, path, u.Scheme, u.Host, path)
	}
	a.Name = u.Host
	return nil
}

// String returns the URL: [Parse] makes the same of it.
func (a Address) String() string {
	var where string
	switch {
	case a.dir == "":
		where = "//" + a.Name
	case strings.HasPrefix(a.dir, "/"):
		where = "//" + (&url.URL{Path: a.dir}).EscapedPath()
	default:
		where = "//./" + (&url.URL{Path: a.dir}).EscapedPath()
	}
	q := a.query()
	if len(q) == 0 {
		return a.Scheme + ":" + where
	}
	// Encode writes a blank as a +, which Parse does not take.
	return a.Scheme + ":" + where + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

func (a Address) query() url.Values {
	q := url.Values{}
	for name, v := range a.params {
		q[name] = v
	}
	if a.Prefix != "" {
		q.Set("prefix", a.Prefix)
	}
	return q
}

// Sub returns the address of a folder below a.
func (a Address) Sub(folder string) Address {
	a.Prefix += strings.Trim(folder, "/") + "/"
	return a
}

// Sub returns the URL of a folder below a bucket URL.
func Sub(raw, folder string) (string, error) {
	a, err := Parse(raw)
	if err != nil {
		return "", err
	}
	return a.Sub(folder).String(), nil
}

// Param returns the value of a parameter of a's scheme, empty if it has none.
func (a Address) Param(name string) string { return a.params.Get(name) }

// flags reads the parameters that are true or false.
func (a Address) flag(name string) (bool, error) {
	v := a.Param(name)
	if v == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		return false, fmt.Errorf("parameter %s: want true or false", name)
	}
	return on, nil
}

// checkFlags tells which of the parameters named is neither true nor false.
func checkFlags(a Address, names ...string) error {
	for _, name := range names {
		if _, err := a.flag(name); err != nil {
			return err
		}
	}
	return nil
}
