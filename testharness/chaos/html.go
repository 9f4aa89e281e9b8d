package chaos

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
	"maps"
	"slices"
	"time"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// HTML is the report as one page that needs nothing else.
func (r *Report) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, view{r}); err != nil {
		return nil, fmt.Errorf("draw the report: %w", err)
	}
	return b.Bytes(), nil
}

// view is the report as the page needs it.
type view struct{ *Report }

// bar is one row of a table with its share drawn.
type bar struct {
	Name  string
	Count int
	Width int // percent of the largest
}

func bars[K ~string](of map[K]int) []bar {
	var list []bar
	most := 1
	for name, n := range of {
		list = append(list, bar{Name: string(name), Count: n})
		most = max(most, n)
	}
	slices.SortFunc(list, func(a, b bar) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return bytes.Compare([]byte(a.Name), []byte(b.Name))
	})
	for i := range list {
		list[i].Width = max(1, list[i].Count*100/most)
	}
	return list
}

// table is one table of bars.
type table struct {
	Title string
	Rows  []bar
}

// Tables are the counts of the run.
func (v view) Tables() []table {
	return []table{
		{"Killed with SIGKILL", bars(v.KillsOf)},
		{"What else happened", bars(v.Steps)},
		{"Faults at the gateway", bars(v.FaultsOf)},
		{"How unknowns ended", bars(v.ResolvedBy)},
		{"Where charges stand", bars(v.States)},
		{"With a person", bars(v.Cases)},
	}
}

// timing is one row of times.
type timing struct {
	Name string
	Times
}

// Timings are all times of the run.
func (v view) Timings() []timing {
	list := []timing{{"Order accepted after its turn", v.Answered}, {"Unknown until it ended", v.Doubt}}
	for _, name := range slices.Sorted(maps.Keys(v.Recover)) {
		list = append(list, timing{"Recovery: " + name, v.Recover[name]})
	}
	return list
}

// Lasted is how long orders and chaos went on, Dust how long the rest took.
func (v view) Lasted() string { return v.Calm.Round(time.Second).String() }

// Dust is how long it took until nothing was under way any more.
func (v view) Dust() string { return (v.Took - v.Calm).Round(time.Second).String() }

// The drawing, in the units of its view box.
const (
	drawLeft   = 118
	drawWidth  = 1060
	drawRight  = drawLeft + drawWidth
	laneHeight = 20
	plotHeight = 120
	plotGap    = 34
)

// mark is a kill, or whatever lasts a while, in a lane.
type mark struct {
	X, Y, W int
	Class   string
	Title   string
}

// span is a part of the time line.
type span struct{ X, W int }

// lane is one row of the time line.
type lane struct {
	Name string
	Y    int
}

// plot is one curve over the time line.
type plot struct {
	Title  string
	Y      int // of the top
	Bottom int
	Most   int
	Areas  []area
}

// curve is what is plotted.
type curve struct {
	class string
	of    func(Second) int
}

type area struct {
	Class, Points string
}

// tick is one label of the time axis.
type tick struct {
	X    int
	Text string
}

// Drawing is the time line with its plots.
type Drawing struct {
	Width, Height, Left, Right, LanesEnd int
	CalmX                                int
	Forgotten                            *span // what the database forgot when it was put back
	Lanes                                []lane
	Marks                                []mark
	Plots                                []plot
	Ticks                                []tick
}

// Draw lays the time line out.
func (v view) Draw() Drawing {
	d := Drawing{Width: drawRight + 20, Left: drawLeft, Right: drawRight}
	x := func(at time.Duration) int {
		return drawLeft + int(int64(drawWidth)*int64(min(max(at, 0), v.Took))/int64(max(v.Took, 1)))
	}
	d.CalmX = x(v.Calm)
	if p := v.PutBack; p != nil {
		d.Forgotten = &span{X: x(p.Copied), W: x(p.Back) - x(p.Copied)}
	}
	at := map[string]int{}
	for i, name := range v.lanes() {
		at[name] = 10 + i*laneHeight
		d.Lanes = append(d.Lanes, lane{Name: name, Y: at[name]})
	}
	d.LanesEnd = 10 + len(d.Lanes)*laneHeight
	for _, s := range v.Done {
		m := mark{X: x(s.Began), Y: at[laneOf(s.Step)], W: max(3, x(s.Ended)-x(s.Began)), Class: string(s.Kind), Title: told(s)}
		if s.Kind == KindKill {
			m.W = 2
		}
		d.Marks = append(d.Marks, m)
	}
	// What lasts is drawn first, so that no kill is hidden.
	slices.SortStableFunc(d.Marks, func(a, b mark) int { return b.W - a.W })
	y := d.LanesEnd + plotGap
	for _, p := range []struct {
		title  string
		curves []curve
	}{
		{"orders accepted (line) and charges authorised (area), each second", []curve{
			{"authorised", func(s Second) int { return s.Authorised }}, {"accepted", func(s Second) int { return s.Accepted }},
		}},
		{"charges in doubt", []curve{{"doubt", func(s Second) int { return s.Doubt }}}},
	} {
		out := plot{Title: p.title, Y: y, Bottom: y + plotHeight, Most: 1}
		for _, a := range p.curves {
			for _, s := range v.Seconds {
				out.Most = max(out.Most, a.of(s))
			}
		}
		for _, a := range p.curves {
			var points bytes.Buffer
			fmt.Fprintf(&points, "%d,%d ", drawLeft, out.Bottom)
			for i, s := range v.Seconds {
				fmt.Fprintf(&points, "%d,%d ", x(time.Duration(i)*time.Second), out.Bottom-a.of(s)*plotHeight/out.Most)
			}
			fmt.Fprintf(&points, "%d,%d", drawRight, out.Bottom)
			out.Areas = append(out.Areas, area{Class: a.class, Points: points.String()})
		}
		d.Plots = append(d.Plots, out)
		y = out.Bottom + plotGap
	}
	d.Height = y
	step := axisStep(v.Took)
	for at := time.Duration(0); at <= v.Took; at += step {
		d.Ticks = append(d.Ticks, tick{X: x(at), Text: fmt.Sprintf("%d:%02d", int(at.Minutes()), int(at.Seconds())%60)})
	}
	return d
}

func axisStep(took time.Duration) time.Duration {
	for _, step := range []time.Duration{5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute} {
		if took/step <= 15 {
			return step
		}
	}
	return 10 * time.Minute
}

// lanes are the rows that something happened in, in the order of the parts.
func (v view) lanes() []string {
	list := []string{"gateway"}
	for i := range v.Size.Hosts {
		list = append(list, fmt.Sprintf("plugin-%d", i+1), fmt.Sprintf("host-%d", i+1))
	}
	if v.Size.Server {
		list = append(list, "database")
	}
	if v.Size.PutBack {
		list = append(list, "backup")
	}
	return append(list, "connections", "disk", "clocks", "gateway lies")
}

func laneOf(s Step) string {
	switch s.Kind {
	case KindCut, KindStall, KindSlow, KindDeaf:
		return "connections"
	case KindFill:
		return "disk"
	case KindCopy, KindPutBack:
		return "backup"
	case KindSkew:
		return "clocks"
	case KindFault:
		return "gateway lies"
	}
	return s.Target
}

// told says what a step was, for whoever points at it.
func told(s Done) string {
	text := fmt.Sprintf("%.1f s: %s %s", s.Began.Seconds(), s.Kind, s.Target)
	switch s.Kind {
	case KindFault:
		text += ": " + s.Fault
	case KindSkew:
		text += " by " + s.Skew.String()
	case KindKill:
		return text
	}
	return text + fmt.Sprintf(", for %.1f s", (s.Ended-s.Began).Seconds())
}
