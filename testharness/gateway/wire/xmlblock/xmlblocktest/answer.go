package xmlblocktest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

// Answer reads a responseblock and returns the JSON that says the same.
func Answer(text string) ([]byte, error) {
	var block struct {
		XMLName   xml.Name `xml:"responseblock"`
		Version   string   `xml:"version,attr"`
		Reference string   `xml:"requestreference"`
		Secrand   string   `xml:"secrand"`
		Responses []tree   `xml:"response"`
		Others    []tree   `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(text), &block); err != nil {
		return nil, fmt.Errorf("read responseblock: %w", err)
	}
	if len(block.Others) > 0 {
		return nil, fmt.Errorf("the element %s is unknown in a responseblock", block.Others[0].XMLName.Local)
	}
	responses := []map[string]any{}
	for _, r := range block.Responses {
		fields, err := r.fields()
		if err != nil {
			return nil, err
		}
		responses = append(responses, fields)
	}
	return json.Marshal(map[string]any{
		"requestreference": block.Reference, "version": block.Version, "secrand": block.Secrand, "response": responses,
	})
}

// tree is any element.
type tree struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Below   []tree     `xml:",any"`
}

var names = func() map[string]string {
	out := map[string]string{}
	for name, path := range xmlblock.AnswerPaths() {
		out[path] = name
	}
	return out
}()

// fields are the members of a response or record.
func (t tree) fields() (map[string]any, error) {
	out := map[string]any{}
	var walk func(path []string, t tree) error
	take := func(path []string, text string) error {
		name, known := names[strings.Join(path, "/")]
		switch _, twice := out[name]; {
		case !known:
			return fmt.Errorf("the table doesn't know %s", strings.Join(path, "/"))
		case name == "errordata":
			list, _ := out[name].([]any)
			out[name] = append(list, text)
		case twice:
			return fmt.Errorf("%s is there twice", name)
		default:
			out[name] = text
		}
		return nil
	}
	walk = func(path []string, t tree) error {
		for _, a := range t.Attrs {
			if err := take(append(slices.Clone(path), "@"+a.Name.Local), a.Value); err != nil {
				return err
			}
		}
		leaf := len(t.Below) == 0 && len(path) > 0 && (t.Text != "" || len(t.Attrs) == 0)
		if leaf || strings.TrimSpace(t.Text) != "" {
			if err := take(path, t.Text); err != nil {
				return err
			}
		}
		for _, below := range t.Below {
			if len(path) == 0 && below.XMLName.Local == "record" {
				record, err := below.fields()
				if err != nil {
					return err
				}
				list, _ := out["records"].([]any)
				out["records"] = append(list, record)
				continue
			}
			if err := walk(append(slices.Clone(path), below.XMLName.Local), below); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(nil, t)
}
