package myst

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// usersPage lists the users.
type usersPage struct {
	frame
	Users []gateway.User
}

// userPage is the form of one. Its password is never on it.
type userPage struct {
	frame
	User      gateway.User
	New       bool
	Addresses string
	Sites     []gateway.Site
}

func (p *portal) users(w http.ResponseWriter, r *http.Request) {
	show(w, "users", &usersPage{p.frame(r, "users", "Web Services users"), p.g.Users()})
}

func (p *portal) user(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	u, known := p.g.User(name)
	if name != "" && !known {
		p.gone(w, r, "There is no user "+name+".")
		return
	}
	show(w, "user", p.userPage(r, u, !known))
}

func (p *portal) userPage(r *http.Request, u gateway.User, isNew bool) *userPage {
	title := u.Name
	if isNew {
		title = "New user"
	}
	u.Password = ""
	return &userPage{frame: p.frame(r, "users", title), User: u, New: isNew, Addresses: strings.Join(u.Addresses, "\n"), Sites: p.g.Sites()}
}

// Allocated says whether the user may use a site.
func (u *userPage) Allocated(site string) bool { return slices.Contains(u.User.Sites, site) }

func (p *portal) saveUser(w http.ResponseWriter, r *http.Request) {
	name := text(r, "name")
	isNew := ticked(r, "new")
	u, known := p.g.User(name)
	password := u.Password
	u.Name, u.Addresses, u.Sites = name, words(r.PostFormValue("addresses")), r.PostForm["sites"]
	u.Locked, u.NoGatewayRight = ticked(r, "locked"), ticked(r, "noright")
	if given := r.PostFormValue("password"); given != "" {
		password = given
	}
	u.Password = password
	err := p.checkUser(&u)
	switch {
	case err != nil:
	case isNew && known:
		err = errors.New("there is a user of that name already")
	case !isNew && !known:
		err = errors.New("there is no such user any more")
	default:
		err = p.g.SetUser(u)
	}
	if err == nil {
		leave(w, r, "/myst/users?done=user")
		return
	}
	page := p.userPage(r, u, isNew)
	page.Wrong = err.Error()
	refuse(w, "user", page)
}

// checkUser insists on what MyST insists on and the gateway does not.
func (p *portal) checkUser(u *gateway.User) error {
	if len(u.Addresses) == 0 {
		return errors.New("name at least one address or network that the user may call from; 0.0.0.0/0 and ::/0 are all")
	}
	for _, site := range u.Sites {
		if _, known := p.g.Site(site); !known {
			return errors.New("there is no site " + site)
		}
	}
	return nil
}
