package confine

// Mode says how much depends on processes being confined.
type Mode string

// The modes.
const (
	// BestEffort confines as far as the kernel can.
	BestEffort Mode = "best_effort"
	// Required starts nothing unless the kernel can keep processes from reading,
	// writing and executing what they were not given.
	Required Mode = "required"
	// Off starts processes as they are.
	Off Mode = "off"
)

// Valid reports whether it is one of the modes.
func (m Mode) Valid() bool { return m == BestEffort || m == Required || m == Off }
