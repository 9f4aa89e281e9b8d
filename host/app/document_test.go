package app

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// document is the API's description of itself, as far as answers are held
// against it.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas         map[string]*schema `json:"schemas"`
		SecuritySchemes map[string]any     `json:"securitySchemes"`
	} `json:"components"`
	Security []map[string][]string `json:"security"`
}

type operation struct {
	Responses map[string]struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"responses"`
}

type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // a name, or several
	Format     string             `json:"format"`
	Enum       []any              `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Additional any                `json:"additionalProperties"`
	Items      *schema            `json:"items"`
}

func readDocument(b *bed) *document {
	b.t.Helper()
	d := &document{}
	require.NoError(b.t, json.Unmarshal(b.must(200, b.do("", "GET", "/openapi.json", nil)).body, d))
	return d
}

// operation finds what is described at a path.
func (d *document) operation(method, path string) (operation, bool) {
	path, _, _ = strings.Cut(path, "?")
	given := strings.Split(path, "/")
	var best string
	for pattern := range d.Paths {
		parts := strings.Split(pattern, "/")
		same := len(parts) == len(given)
		for i := 0; same && i < len(parts); i++ {
			same = parts[i] == given[i] || strings.HasPrefix(parts[i], "{")
		}
		if same && (best == "" || strings.Count(pattern, "{") < strings.Count(best, "{")) {
			best = pattern
		}
	}
	op, ok := d.Paths[best][strings.ToLower(method)]
	return op, ok
}

// check holds an answer against the description.
func (d *document) check(t *testing.T, method, path string, a answer) {
	t.Helper()
	op, ok := d.operation(method, path)
	if !ok {
		return // a path of no operation
	}
	res, ok := op.Responses[fmt.Sprint(a.status)]
	if !ok && a.status == 200 {
		res, ok = op.Responses["202"] // an order that is here already is answered as a new one
	}
	if !ok {
		require.GreaterOrEqual(t, a.status, 400, "%s %s: the description has no status %d", method, path, a.status)
		res = op.Responses["default"]
	}
	if len(res.Content) == 0 {
		require.Empty(t, a.body, "%s %s", method, path)
		return
	}
	content, ok := res.Content[a.header.Get("Content-Type")]
	require.True(t, ok, "%s %s: the description has no %s for %d", method, path, a.header.Get("Content-Type"), a.status)
	var v any
	require.NoError(t, json.Unmarshal(a.body, &v))
	require.NoError(t, d.fits(content.Schema, "answer", v), "%s %s: %s", method, path, a.body)
}

// fits tells where a value is not as the schema says.
func (d *document) fits(s *schema, at string, v any) error {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	if s == nil || s.Type == nil {
		return nil // anything
	}
	types := []any{s.Type}
	if several, ok := s.Type.([]any); ok {
		types = several
	}
	if !slices.Contains(types, any(kind(v))) && (kind(v) != "integer" || !slices.Contains(types, any("number"))) {
		return fmt.Errorf("%s is a %s; the description says %v", at, kind(v), s.Type)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		return fmt.Errorf("%s is %v, which is none of %v", at, v, s.Enum)
	}
	switch v := v.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, v); s.Format == "date-time" && err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	case []any:
		for i, item := range v {
			if err := d.fits(s.Items, fmt.Sprintf("%s[%d]", at, i), item); err != nil {
				return err
			}
		}
	case map[string]any:
		return d.fitsObject(s, at, v)
	}
	return nil
}

func (d *document) fitsObject(s *schema, at string, v map[string]any) error {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return fmt.Errorf("%s has no %s", at, name)
		}
	}
	for name, value := range v {
		p, ok := s.Properties[name]
		if !ok {
			if s.Additional == false {
				return fmt.Errorf("%s has a %s, which is not described", at, name)
			}
			continue
		}
		if err := d.fits(p, at+"."+name, value); err != nil {
			return err
		}
	}
	return nil
}

func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
	}
	return "number"
}

// The description is there without a key, since it holds no secrets, and lists
// every route with the key that it needs.
func TestDescription(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	var routes []string
	for path, operations := range b.doc.Paths {
		for method := range operations {
			routes = append(routes, strings.ToUpper(method)+" "+path)
		}
	}
	require.ElementsMatch(t, []string{
		"POST /v1/companies", "GET /v1/companies", "GET /v1/companies/{id}", "POST /v1/companies/{id}/keys", "GET /v1/keys", "DELETE /v1/keys/{id}",
		"GET /v1/companies/{id}/settings/{plugin}", "PUT /v1/companies/{id}/settings/{plugin}", "GET /v1/companies/{id}/settings/{plugin}/history",
		"POST /v1/links", "GET /v1/links", "GET /v1/links/{id}", "PATCH /v1/links/{id}", "POST /v1/links/{id}/preflight", "POST /v1/links/{id}/confirm-card",
		"GET /v1/links/{id}/settings", "PUT /v1/links/{id}/settings", "GET /v1/links/{id}/settings/history",
		"POST /v1/orders", "GET /v1/orders", "POST /v1/orders/batch", "GET /v1/orders/{id}", "POST /v1/orders/{id}/cancel",
		"GET /v1/charges", "GET /v1/charges/{id}", "POST /v1/charges/{id}/retry", "GET /v1/ledger", "GET /v1/pauses", "GET /v1/plugins",
		"POST /v1/plugins/{plugin}/upgrade", "POST /v1/plugins/{plugin}/rollback", "POST /v1/plugins/{plugin}/restart",
	}, routes)
	require.Equal(t, []map[string][]string{{"key": {}}}, b.doc.Security)

	// Each of them is there, and closed without a key.
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{id}", url.PathEscape("0190"), "{plugin}", "x").Replace(path)
		a := b.must(401, b.do("", method, path, nil))
		require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
		require.Contains(t, a.problem().Detail, "Authorization: Bearer chk_")
	}
	require.Contains(t, string(b.must(200, b.do("", "GET", "/openapi.yaml", nil)).body), "openapi: 3.1.0")
}
