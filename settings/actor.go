package settings

// ActorKind says on whose behalf something is asked.
type ActorKind string

// The kinds of actor. Anything else may do nothing.
const (
	ActorPlatform ActorKind = "platform" // may do everything
	ActorCompany  ActorKind = "company"  // sees its own alone
)

// Actor is who asks. It comes from an API key, or from the host itself.
type Actor struct {
	Kind    ActorKind
	Company CompanyID // of an ActorCompany
	Name    string    // for the records: the key's name, the command
}

// System is the platform's actor for what the host and its commands do by
// themselves, under a name that tells which of them it was.
func System(name string) Actor { return Actor{Kind: ActorPlatform, Name: name} }

func (a Actor) platform() bool { return a.Kind == ActorPlatform }

// is reports whether the actor is that company itself.
func (a Actor) is(id CompanyID) bool { return a.Kind == ActorCompany && id != "" && a.Company == id }

// sees and writes are the rules on links: both ends see one, the platform and
// the fulfiller write it.
func (a Actor) sees(l Link) bool   { return a.platform() || a.is(l.FulfillerID) || a.is(l.ChannelID) }
func (a Actor) writes(l Link) bool { return a.platform() || a.is(l.FulfillerID) }
