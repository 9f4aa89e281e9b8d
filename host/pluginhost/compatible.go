package pluginhost

import (
	"fmt"
	"slices"

	"github.com/chargehand/chargehand/shared/payment"
)

// incompatible tells what of the settings that companies have saved under one
// description would be lost or no longer do under the next, and which calls
// would be missed. Rules within a field are the plugin's own business: what
// they refuse shows in the next preflight.
func incompatible(old, next payment.Description) []string {
	var why []string
	for _, c := range old.Capabilities {
		if !slices.Contains(next.Capabilities, c) {
			why = append(why, fmt.Sprintf("it can't %s any more", clip(c)))
		}
	}
	for _, was := range old.Settings {
		is, ok := field(next, was.Name)
		switch {
		case !ok:
			why = append(why, fmt.Sprintf("it does not know the setting %s", clip(was.Name)))
			continue
		case is.Kind != was.Kind:
			why = append(why, fmt.Sprintf("the setting %s is of the kind %s, not %s", clip(was.Name), clip(string(is.Kind)), was.Kind))
		}
		for _, choice := range was.Choices {
			if !slices.ContainsFunc(is.Choices, func(c payment.Choice) bool { return c.Value == choice.Value }) {
				why = append(why, fmt.Sprintf("the setting %s can't be %q any more", clip(was.Name), clip(choice.Value)))
			}
		}
	}
	for _, is := range next.Settings {
		was, _ := field(old, is.Name)
		if is.Required && is.Default == "" && !was.Required {
			why = append(why, fmt.Sprintf("it requires the setting %s, which nobody had to enter", clip(is.Name)))
		}
	}
	return why
}

func field(d payment.Description, name string) (payment.Field, bool) {
	i := slices.IndexFunc(d.Settings, func(f payment.Field) bool { return f.Name == name })
	if i < 0 {
		return payment.Field{}, false
	}
	return d.Settings[i], true
}
