package record

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

// parsed is a body that could be read.
type parsed struct {
	json wire.Value // Absent if it is none
	xml  *node
	form url.Values
}

// parse reads a body, in the format that its path or its content type names.
func parse(path, contentType string, body []byte) (parsed, error) {
	var p parsed
	if !utf8.Valid(body) {
		return p, errors.New("the body is not UTF-8")
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	var err error
	switch text := string(body); {
	case kind == typeForm:
		if strings.Count(text, "&") > wire.MaxValues {
			return p, errors.New("the form has too many fields")
		}
		p.form, err = url.ParseQuery(text)
	case strings.HasSuffix(kind, "/xml"), strings.HasPrefix(path, "/xml/"):
		p.xml, err = parseXML(text)
	case kind == typeJSON, strings.HasPrefix(path, "/json/"):
		p.json, err = parseJSON(text)
	default:
		err = fmt.Errorf("content type %q is not known", kind)
	}
	return p, err
}

// masked writes a body that could be read.
func (m *masker) masked(p parsed) (b Body) {
	r := rewriting{name: m.name, value: m.json}
	switch {
	case p.xml != nil:
		var out bytes.Buffer
		r.rewriteXML(p.xml, spot{}).write(&out)
		b.XML = out.String()
	case p.form != nil:
		b.Form = m.form(p.form)
	case p.json.Kind != wire.Absent:
		b.JSON = appendJSON(nil, r.rewrite("", p.json))
	}
	return b
}

func (m *masker) form(in url.Values) string {
	out := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		for _, text := range in[name] {
			out.Add(m.name(name), m.value(name, text))
		}
	}
	return out.Encode()
}

// request masks a call.
func (m *masker) request(r *http.Request, body []byte, p parsed) Request {
	out := Request{Method: r.Method, Path: m.path(r.URL.Path), Headers: m.headers(r.Header)}
	if !plainMethod.MatchString(out.Method) {
		out.Method = "?"
	}
	if query, err := url.ParseQuery(r.URL.RawQuery); err == nil {
		out.Query = m.form(query)
	}
	if user, _, ok := r.BasicAuth(); ok {
		out.User = m.value("alias", user)
	}
	out.Body = m.body(p, body)
	return out
}

var plainMethod = regexp.MustCompile(`^[A-Z]{3,7}$`)

func (m *masker) body(p parsed, body []byte) Body {
	b := m.masked(p)
	b.Bytes = int64(len(body))
	if b.JSON == nil && b.XML == "" && b.Form == "" && len(body) > 0 {
		b.Hash = m.sum(body)
	}
	return b
}

func (m *masker) sum(body []byte) string {
	h := m.hash()
	_, _ = h.Write(body)
	return letters(h.Sum(nil))
}

func (m *masker) path(path string) string {
	if path == "/json/" || path == "/xml/" {
		return path
	}
	return m.mask(path)
}

// headerForms are the headers whose values may be kept, and what a value must be
// for that.
var headerForms = func() map[string]*regexp.Regexp {
	out := map[string]*regexp.Regexp{}
	for name, pattern := range map[string]string{
		"Content-Type": `[a-z]{2,20}/[a-z-]{2,30}(?:; ?charset="?[A-Za-z]{2,5}-?[0-9]{0,5}(?:-[0-9])?"?)?`,
		"Accept":       `(?:[a-z*]{1,20}/[a-z*-]{1,30}(?:,\s*)?)+`,
		"Accept-Encoding Content-Encoding Transfer-Encoding Connection Vary X-Frame-Options": `(?:gzip|deflate|br|identity|chunked|close|keep-alive|Accept-Encoding|` +
			`DENY|SAMEORIGIN|\*)(?:,\s*(?:gzip|deflate|br|identity))*`,
		"Content-Length": `[0-9]{1,9}`,
		"Date":           `[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT`,
		"Server":         `Apache|nginx`,
	} {
		for one := range strings.FieldsSeq(name) {
			out[one] = regexp.MustCompile("^(?:" + pattern + ")$")
		}
	}
	return out
}()

var plainHeader = regexp.MustCompile(`^[A-Za-z][A-Za-z-]{1,39}$`)

// headers masks headers. That of the login is left out.
func (m *masker) headers(in http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range in {
		text := strings.Join(values, ", ")
		kept := headerForms[name]
		switch {
		case name == "Authorization" || name == "Proxy-Authorization":
			continue
		case name == "Requestreference":
			text = m.value("requestreference", text)
		case kept == nil || !kept.MatchString(text):
			text = m.mask(text)
		}
		if !plainHeader.MatchString(name) {
			name = m.mask(name)
		}
		out[name] = text
	}
	return out
}

// copied is what is kept of an answer while it passes: its beginning, up to the
// limit, its length and its hash.
type copied struct {
	bytes.Buffer
	hash  io.Writer
	bytes int64
}

// maxAnswer bounds what of an answer is read, as it is sent and uncompressed.
const maxAnswer = 8 << 20

// Write takes a part of the answer.
func (c *copied) Write(part []byte) (int, error) {
	c.bytes += int64(len(part))
	_, _ = c.hash.Write(part)
	if c.bytes <= maxAnswer {
		c.Buffer.Write(part)
	}
	return len(part), nil
}

// content is the answer's body as its client reads it, nil if it can't be told.
func (c *copied) content(coding string) []byte {
	switch {
	case c.bytes > maxAnswer:
		return nil
	case coding == "":
		return c.Bytes()
	case coding != "gzip":
		return nil
	}
	z, err := gzip.NewReader(&c.Buffer)
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(z, maxAnswer+1))
	if err != nil || len(text) > maxAnswer {
		return nil
	}
	return text
}
