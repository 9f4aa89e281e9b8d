package myst

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// faultsPage lists the faults, and takes more.
type faultsPage struct {
	frame
	Faults  []gateway.FaultState
	Effects []gateway.Effect
	Stories []gateway.Story
	Script  string
}

func (p *portal) faultsPage(r *http.Request) *faultsPage {
	return &faultsPage{frame: p.frame(r, "faults", "Faults"), Faults: p.g.Faults(), Effects: gateway.Effects(), Stories: gateway.Stories()}
}

func (p *portal) faults(w http.ResponseWriter, r *http.Request) { show(w, "faults", p.faultsPage(r)) }

// faultText is a fault as a script has it.
func faultText(f gateway.FaultState) (string, error) {
	f.ID = ""
	text, err := json.Marshal(f.Fault)
	if err != nil {
		return "", fmt.Errorf("write fault: %w", err)
	}
	return string(text), nil
}

// addFaults takes a script as the command and the API do, or the name of a
// ready one.
func (p *portal) addFaults(w http.ResponseWriter, r *http.Request) {
	script := r.PostFormValue("script")
	if name := text(r, "story"); name != "" {
		story, err := gateway.FindStory(name)
		if err != nil {
			page := p.faultsPage(r)
			page.Wrong = err.Error()
			refuse(w, "faults", page)
			return
		}
		script = story.Script
	}
	faults, err := gateway.ParseFaults([]byte(script))
	if err == nil {
		_, err = p.g.AddFaults(faults...)
	}
	if err == nil {
		leave(w, r, "/myst/faults?done=added")
		return
	}
	page := p.faultsPage(r)
	page.Script, page.Wrong = script, err.Error()
	refuse(w, "faults", page)
}

// deleteFault deletes one, or all if none is named.
func (p *portal) deleteFault(w http.ResponseWriter, r *http.Request) {
	id := text(r, "id")
	if id == "" {
		p.g.ClearFaults()
		leave(w, r, "/myst/faults?done=cleared")
		return
	}
	p.g.DeleteFault(id) // one that is gone is as good as deleted
	leave(w, r, "/myst/faults?done=deleted")
}
