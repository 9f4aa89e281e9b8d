package wire

// Kind tells what a Value is.
type Kind uint8

// The kinds of JSON values. The zero Kind is no value at all.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Value is one parsed JSON value. Its strings share memory with the document
// it came from: clone what is to outlive the request, or the whole body, card
// number included, outlives it too.
type Value struct {
	Kind Kind
	// Text is a String's decoded text, or the literal of a Number or Bool.
	Text string
	// Items are an Array's values.
	Items []Value
	// Members are an Object's, in the order written, duplicates included.
	Members []Member
}

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value Value
}

// Get returns the member of that name, or a Value of kind Absent. Of several
// the last counts, as in most decoders.
func (v *Value) Get(name string) *Value {
	for i := len(v.Members) - 1; i >= 0; i-- {
		if v.Members[i].Name == name {
			return &v.Members[i].Value
		}
	}
	return &absent
}

// absent is shared and never written.
var absent Value
