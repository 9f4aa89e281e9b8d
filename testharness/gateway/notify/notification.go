package notify

import "time"

// State is what became of a notification.
type State string

// States.
const (
	// Queued waits for its first or its next try, or is being sent.
	Queued State = "queued"
	// Sent was answered with 200.
	Sent State = "sent"
	// Failed was not taken and is not tried again: an online one.
	Failed State = "failed"
	// GivenUp was not taken in 48 hours.
	GivenUp State = "given_up"
	// Lost was never sent, as a fault wanted it.
	Lost State = "lost"
	// Dropped found the queue full.
	Dropped State = "dropped"
)

// Notification is one message to one URL, and what became of it: a line of the
// log, and what has to be kept of the queue.
type Notification struct {
	// ID tells copies apart, which share their Reference.
	ID          int64  `json:"id"`
	Reference   string `json:"notificationreference"`
	Rule        string `json:"rule"`
	Event       string `json:"event"`
	Site        string `json:"sitereference"`
	Transaction string `json:"transactionreference"`
	URL         string `json:"url"`
	CAFile      string `json:"ca_file,omitempty"`
	Mode        Mode   `json:"mode"`
	// Faults are what a script did to it.
	Faults []string `json:"faults,omitempty"`
	// Body is the form as it is sent; with Break only half of it arrives.
	Body  string `json:"body"`
	Break bool   `json:"break,omitempty"`
	State State  `json:"state"`
	// Held waits until the next one to the same URL was tried.
	Held bool `json:"held,omitempty"`
	// Retry is how far tries are apart; with Once there is one only.
	Retry Spacing `json:"retry,omitempty"`
	Once  bool    `json:"once,omitempty"`
	// Created, Due (the next try while it is queued) and Until (the end of
	// tries) are times of the settlement clock.
	Created time.Time `json:"created"`
	Due     time.Time `json:"due"`
	Until   time.Time `json:"until"`
	// Tried counts the tries; Tries are the newest of them.
	Tried int   `json:"tried"`
	Tries []Try `json:"tries,omitempty"`
}

// maxTries bounds what is remembered of the tries of one notification.
const maxTries = 20

// Try is one try to send.
type Try struct {
	// At is on the settlement clock; Took passed in real time.
	At   time.Time `json:"at"`
	Took string    `json:"took"`
	// Status is the HTTP status, 0 if there was none; then Error says why.
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
}

// queued is a Notification at work.
type queued struct {
	Notification
	lane *lane
	over chan struct{} // closed after the try that a caller may wait for
	// passed counts the tries in a row that were due before they were made.
	passed int
}

// key is what is sent one at a time on a lane.
func (q *queued) key() string { return q.Transaction }

// maxPassed bounds how many tries a jump of the clock makes at once: the others
// that fell into it are passed over.
const maxPassed = 50

// record takes a try in and decides what comes next.
func (q *queued) record(t Try, now time.Time) {
	q.Tried++
	q.Tries = append(q.Tries, t)
	if len(q.Tries) > maxTries {
		q.Tries = q.Tries[1:]
	}
	q.Held = false
	switch {
	case t.Status == 200:
		q.State = Sent
	case q.Once:
		q.State = Failed
	default:
		q.postpone(now)
	}
}

// postpone finds the next try. Tries keep to the times that the first one set,
// so that a clock that jumps makes those that fell into the jump.
func (q *queued) postpone(now time.Time) {
	step := q.Retry.after(q.Tried)
	next := q.Due.Add(step)
	switch {
	case next.After(now):
		q.passed = 0
	case q.passed < maxPassed:
		q.passed++
	default:
		q.passed = 0
		next = next.Add(now.Sub(next).Truncate(step) + step)
	}
	if next.After(q.Until) {
		q.State = GivenUp
		return
	}
	q.Due = next
}
