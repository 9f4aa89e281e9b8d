package myst

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// rulesPage is the Rule Manager.
type rulesPage struct {
	frame
	Rules []notify.Rule
	Sites []gateway.Site
	// Form is the rule that was typed in; its password is not on the page.
	Form   notify.Rule
	Fields string
	Script string
}

// notificationsPage is the log of notifications, newest first.
type notificationsPage struct {
	frame
	Transaction string
	Log         []notify.Notification
	More        bool
}

// logSize is how many notifications are shown at most.
const logSize = 200

func (p *portal) rulesPage(r *http.Request) *rulesPage {
	list := p.g.NotificationRules()
	for i := range list {
		if list[i].Password != "" {
			list[i].Password = "set"
		}
	}
	return &rulesPage{frame: p.frame(r, "rules", "Rule Manager"), Rules: list, Sites: p.g.Sites(), Form: notify.Rule{Mode: notify.Offline}}
}

func (p *portal) rules(w http.ResponseWriter, r *http.Request) { show(w, "rules", p.rulesPage(r)) }

// addRule takes what was typed into the form, or a rule written as the API has
// it, with conditions and all.
func (p *portal) addRule(w http.ResponseWriter, r *http.Request) {
	site := text(r, "site") // reads the form
	rule := notify.Rule{
		Site: site, URL: text(r, "url"), Mode: notify.Mode(text(r, "mode")), Fields: words(r.PostFormValue("fields")),
		Password: r.PostFormValue("password"), CAFile: text(r, "ca_file"), On: r.PostForm["on"],
	}
	given := []notify.Rule{rule}
	script := r.PostFormValue("script")
	var err error
	if script != "" {
		given, err = gateway.ParseNotificationRules([]byte(script))
	}
	if err == nil {
		_, err = p.g.AddNotificationRules(given...)
	}
	if err == nil {
		leave(w, r, "/myst/rules?done=rule")
		return
	}
	page := p.rulesPage(r)
	rule.Password = ""
	page.Form, page.Fields, page.Script, page.Wrong = rule, r.PostFormValue("fields"), script, err.Error()
	refuse(w, "rules", page)
}

// Tells says whether the form's rule is about a kind of event.
func (p *rulesPage) Tells(event string) bool { return slices.Contains(p.Form.On, event) }

func (p *portal) deleteRule(w http.ResponseWriter, r *http.Request) {
	err := p.g.DeleteNotificationRule(text(r, "id"))
	if err != nil && !errors.Is(err, notify.ErrNotFound) {
		page := p.rulesPage(r)
		page.Wrong = err.Error()
		refuse(w, "rules", page)
		return
	}
	leave(w, r, "/myst/rules?done=unruled")
}

func (p *portal) notifications(w http.ResponseWriter, r *http.Request) {
	show(w, "notifications", p.notificationsPage(r))
}

func (p *portal) notificationsPage(r *http.Request) *notificationsPage {
	n := &notificationsPage{frame: p.frame(r, "rules", "Notifications"), Transaction: r.URL.Query().Get("transaction")}
	n.Log = p.g.Notifications(n.Transaction)
	slices.Reverse(n.Log)
	if n.More = len(n.Log) > logSize; n.More {
		n.Log = n.Log[:logSize]
	}
	return n
}

func (p *portal) resend(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(text(r, "id"), 10, 64)
	if err == nil {
		_, err = p.g.ResendNotification(id)
	}
	if err == nil {
		leave(w, r, "/myst/notifications?done=resent")
		return
	}
	page := p.notificationsPage(r)
	page.Wrong = err.Error()
	refuse(w, "notifications", page)
}
