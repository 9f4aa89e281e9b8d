package pluginhost

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

const (
	// maxLine bounds one line of a plugin's log, in bytes.
	maxLine = 16 << 10
	// maxPairs bounds the pairs of one line.
	maxPairs = 32
	// maxWords bounds what an error quotes of a plugin, in bytes.
	maxWords = 300
)

// relay takes what a plugin writes to standard error, and passes it on line by
// line: the lines of the kit's logger at their own level, all else as warnings.
// Nothing of it is trusted: go-plugin's own reader ends the host at a line such
// as {"@message":1}, so this one takes its place.
type relay struct {
	log hclog.Logger

	mu        sync.Mutex
	line      []byte
	cut       bool   // the line is longer than maxLine
	panicking bool   // what follows is a stack
	last      string // the last thing said that may explain an end
}

// Write takes any piece of output. It never fails.
func (r *relay) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range p {
		switch {
		case b == '\n':
			r.flush()
		case len(r.line) < maxLine:
			r.line = append(r.line, b)
		default:
			r.cut = true
		}
	}
	return len(p), nil
}

// lastWords is what the plugin said last above the level of information.
func (r *relay) lastWords() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func (r *relay) flush() {
	line := strings.TrimSpace(strings.ToValidUTF8(string(r.line), "\uFFFD"))
	cut := r.cut
	r.line, r.cut = r.line[:0], false
	if line == "" {
		return
	}
	level, message, pairs := r.read(line)
	if cut {
		pairs = append(pairs, "cut_after_bytes", maxLine)
	}
	if level >= hclog.Warn && (!r.panicking || r.last == "") {
		r.last = clip(lastText(message, pairs))
	}
	if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
		r.panicking = true
	}
	r.log.Log(level, message, pairs...)
}

// read makes sense of a line as far as it has any.
func (r *relay) read(line string) (hclog.Level, string, []any) {
	var entry map[string]any
	if json.Unmarshal([]byte(line), &entry) == nil {
		message, ok := entry["@message"].(string)
		word, ok2 := entry["@level"].(string)
		if level := hclog.LevelFromString(word); ok && ok2 && level != hclog.NoLevel {
			return level, redact(message), pairs(entry)
		}
	}
	if r.panicking || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
		return hclog.Error, redact(line), nil
	}
	return hclog.Warn, redact(line), nil
}

// pairs gives the rest of a line, in an order that doesn't change.
func pairs(entry map[string]any) []any {
	var list []any
	for _, key := range slices.Sorted(maps.Keys(entry)) {
		switch key {
		case "@message", "@level", "@timestamp", "@caller":
			continue
		}
		if len(list) >= 2*maxPairs {
			return append(list, "more_pairs", true)
		}
		list = append(list, clip(strings.TrimPrefix(key, "@")), value(key, entry[key]))
	}
	return list
}

func value(key string, v any) any {
	if secretKey.MatchString(key) {
		return redacted
	}
	switch v := v.(type) {
	case nil, bool, float64:
		return v
	case string:
		return redact(v)
	}
	nested, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%T", v)
	}
	return redact(string(nested))
}

// lastText is a message with its error, if it names one.
func lastText(message string, pairs []any) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "error" {
			return fmt.Sprintf("%s: %v", message, pairs[i+1])
		}
	}
	return message
}

// clip makes what a plugin said fit to be quoted.
func clip(s string) string {
	if len(s) <= maxWords {
		return s
	}
	return strings.ToValidUTF8(s[:maxWords], "") + "..."
}
