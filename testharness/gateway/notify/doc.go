// Package notify sends the URL notifications of the gateway simulator: it holds
// the rules of what is told to whom, writes the form and its hash, sends it, and
// tries again where the rule says so.
//
// # What always holds
//
//   - The hash is made of what the rule names, before any fault touches it. A
//     fault that forges leaves it as it was unless it is told to sign.
//   - Notifications about one transaction to one address are tried in the order
//     they were made, unless one is delayed or held back by a fault, or waits
//     for its next try.
//   - Only a 200 within Config.Limit counts as taken. Redirects are not followed.
//   - The queue, the log, and what is sent at once are bounded. What finds the
//     queue full is dropped, and the log says so.
//   - Times of creation and of tries are Config.Now's, the settlement clock.
//     Waiting for an answer passes in real time.
//   - Nothing is sent before Start and after Close. What is queued then stays so.
//
// It knows no transactions: an Event brings the fields to send. It keeps nothing
// on disk: whoever owns a Sender keeps what Queue returns.
package notify
