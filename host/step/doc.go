// Package step names every place where the death of a host could lose or
// double something: between two effects that last or that others see, such as
// a commit, a call to the gateway, or an answer to the platform.
//
// At does nothing in a normal build and is gone from it. With the build tag
// "crashpoints", on Linux, the environment of the process says at which step,
// and at which time of coming to it, the process kills or stops itself; the
// crash matrix of the test harness runs through all of them. A test holds
// that each step is marked in the code, that each function with such an
// effect marks a step after it, or all that call it do, and that a normal build
// holds nothing of this. Which calls have one is read from the code as well: the
// methods of the stores that run a transaction, and those of a gateway.
//
// The steps, and who comes to them ("go generate" writes this table):
//
//   - order_prepared (host/order.take): the order is checked and has room; nothing of it is written.
//   - sequence_allotted (host/engine.start): a number of a recurring series is spent; its attempt is not written.
//   - intake_written (host/charge/chargedb.writeIntakes): order, charges and attempts are written; not committed.
//   - intake_committed (host/order.take): they are committed; nothing is sent, and nobody is told.
//   - order_taken (host/order.Place): the attempt is under way; the platform has no answer to its post.
//   - starts_committed (host/engine.claim): planned attempts are committed as started; nothing is sent.
//   - charge_sending (host/engine.send): all checks are made; the call to charge goes out next.
//   - charge_answered (host/engine.send): the answer of the call is here, and nowhere else.
//   - change_written (host/charge/chargedb.writeChanges): states, evidence, ledger and events are written; not committed.
//   - committed (host/database.try): COMMIT is answered, of whichever transaction; whoever waits for it is not told.
//   - result_committed (host/engine.try): an answer or a read-back is committed; nobody goes on from it.
//   - due_written (host/charge/chargedb.ClaimDue): what is due is written as claimed; not committed.
//   - due_claimed (host/charge/chargedb.ClaimDue): what is due is claimed; it is not read.
//   - due_committed (host/engine.sweep): doubt, a retry or a wait is committed; nobody goes on from it.
//   - look_done (host/engine.visit): the gateway was asked; nothing of what it said is written.
//   - look_committed (host/engine.lookedAt): what it said is committed; nobody goes on from it.
//   - look_failure_committed (host/engine.failed): that it could not be asked is committed; nobody goes on from it.
//   - mark_committed (host/engine.lookedAt): a release or cancellation is committed as about to be sent; it is not sent.
//   - adjust_answered (host/engine.visit): a release or cancellation was sent; it is not read back.
//   - read_back_done (host/engine.readBack): it is read back; nothing of that is written.
//   - cancel_noted (host/order.Cancel): the order is committed as cancelled; its charges have not decided on it.
//   - decision_committed (host/engine.decide): a cancellation or a person's word is committed with a charge; nobody goes on from it.
//   - cancel_taken (host/order.Cancel): all charges have decided on it; the platform has no answer.
//   - probe_done (host/engine.probe): the preflight of what is paused is made; nothing of it is written.
//   - probe_committed (host/engine.probe): the next preflight is committed.
//   - pause_ended (host/engine.probe): the end of a pause is committed; this host still holds it.
//   - restore_opened (host/restore.decide, host/restore.open): that the database was put back is committed; nothing is swept.
//   - sweep_asked (host/restore.window): the gateway has listed some of what it has; nothing of that is written.
//   - sweep_adopted (host/restore.adopt): what it has of a charge in the books is committed; how far the sweep is, is not.
//   - sweep_saved (host/restore.run): how far it is and what it kept is committed; it does not go on.
//   - stop_lifted (host/restore.Run): that charging goes on is committed; nobody is told.
package step

//go:generate go test . -run TestTable -update
