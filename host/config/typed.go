package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/knadh/koanf/v2"
)

// typed reads values as what they must be, and keeps the first that is not:
// what can't be read must not pass for zero.
type typed struct {
	k   *koanf.Koanf
	err error
}

func (t *typed) refuse(name, must string) {
	if t.err != nil {
		return
	}
	is := fmt.Sprintf(" is %q; it", fmt.Sprint(t.k.Get(name)))
	if k, _ := find(name); k.secret {
		is = ""
	}
	t.err = fmt.Errorf("configuration: %s%s must be %s", name, is, must)
}

// text also takes numbers and truth values, as YAML makes them of what is
// written without quotes.
func (t *typed) text(name string) string {
	s, ok := scalar(t.k.Get(name))
	if !ok {
		t.refuse(name, "one value")
	}
	return s
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string, bool, int, int64, uint64, float64:
		return fmt.Sprint(v), true
	}
	return "", false
}

func (t *typed) integer(name string) int {
	n, err := strconv.Atoi(t.text(name))
	if err != nil {
		t.refuse(name, "a whole number")
	}
	return n
}

func (t *typed) number(name string) float64 {
	n, err := strconv.ParseFloat(t.text(name), 64)
	if err != nil || n != n || n > 1e9 || n < -1e9 {
		t.refuse(name, "a number")
	}
	return n
}

func (t *typed) duration(name string) time.Duration {
	d, err := time.ParseDuration(t.text(name))
	if err != nil || d <= 0 {
		t.refuse(name, "a time such as 1s or 5m")
	}
	return d
}

// variables reads the environment of the plugins. The values are not shown:
// they may be secrets.
func (t *typed) variables(name string) map[string]map[string]string {
	all := map[string]map[string]string{}
	if _, ok := t.k.Get(name).(map[string]any); !ok && t.k.Get(name) != nil {
		t.refuseHidden(name)
	}
	for _, plugin := range t.k.MapKeys(name) {
		section, ok := t.k.Get(name + "." + plugin).(map[string]any)
		if !ok {
			t.refuseHidden(name + "." + plugin)
			continue
		}
		all[plugin] = make(map[string]string, len(section))
		for variable, v := range section {
			s, ok := scalar(v)
			if !ok {
				t.refuseHidden(name + "." + plugin + "." + variable)
			}
			all[plugin][variable] = s
		}
	}
	return all
}

func (t *typed) refuseHidden(name string) {
	if t.err == nil {
		t.err = fmt.Errorf("configuration: %s can't be read; write plugins.env as PLUGIN: {VARIABLE: value}", name)
	}
}

func find(name string) (key, bool) {
	all := keys()
	i := slices.IndexFunc(all, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return all[i], true
}
