package webservices

// Answer is a response envelope that was read in full.
type Answer struct {
	RequestReference string
	Elements         []Element
}

// Element is one response element, or one record of a query's answer.
type Element struct {
	// Fields are the plain members, as text; a number keeps its spelling.
	// Members that are null, or lists and objects unknown here, are left out.
	Fields map[string]string
	// ErrorData names the request's members that are at fault.
	ErrorData []string
	// Records are those of a query's answer.
	Records []Element
}

// Get gives a member's text, empty where it is missing.
func (e Element) Get(name string) string { return e.Fields[name] }

// Has reports whether a plain member is there, be it empty.
func (e Element) Has(name string) bool {
	_, ok := e.Fields[name]
	return ok
}
