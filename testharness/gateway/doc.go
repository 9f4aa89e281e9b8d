// Package gateway is a simulated card gateway of the Trust Payments
// Webservices kind, for tests, demonstrations and load runs. It keeps state: what was charged can be looked up,
// released, cancelled, and settles with time. And it misbehaves on demand, in
// the ways that cost money in production: answers that are lost after the
// charge, bank errors that turn out paid, holds, lies.
//
// # Use in a test
//
//	g, err := gateway.New(gateway.Config{Now: clock})
//	s, err := g.Start(ctx, gateway.Listen{})
//	defer s.Close()
//	// s.JSONURL(), s.CAPool() for the client under test; g for the script:
//	card, err := g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: "4111111111111111", Amount: 1, Currency: "GBP"})
//	ids, err := g.AddFaults(gateway.Fault{Effect: gateway.EffectProcessThenDrop, Type: "AUTH", Times: 1})
//	entries := g.Ledger()
//
// # What always holds
//
//   - What a call changed is in the ledger before its answer leaves, and before
//     its connection is cut by a fault. What a fault stops beforehand leaves
//     no trace.
//   - The ledger tells what really happened; answers and query records may be
//     made to tell something else.
//   - Card numbers other than the published test cards are refused, unless
//     Switches.AnyCard is set. None is stored whole or logged, nor is a security
//     code, a national id or a bank account's number.
//   - Time is Config.Now plus what Tick added, and never goes back. Pauses
//     (latency, delays) pass in real time; lags and doubts on that clock.
//
// # The settlement clock
//
// At each midnight UTC that passes, a batch runs. First, what an earlier batch
// handed to the bank (10) is settled (100). Then what is pending (0 or 1) and
// was due on a day now over is handed to the bank (10). So a payment that is
// due on the day it was made is at 10 after a Tick of 24 hours and at 100
// after 48. A suspended one (2) lapses (3) to the second 7 days after it was
// made, 31 days with authmethod PRE.
//
// Refunds settle in the same way. After each batch the subscriptions' payments
// of the day are made.
//
// A bank transfer is at 10 until its customer decides (DecideBank): declined
// makes it 3 at once, agreed 100 with the next batch, even if it was at 3.
//
// # Notifications
//
// A rule (notify.Rule) tells a URL of what is booked and of every change of a
// settle status; package notify says how. They are sent from Start to Close.
// Callers wait for those of online and failover rules about what they asked for.
//
// # The admin API
//
// Plain HTTP, JSON, on a loopback address. Errors are 4xx with {"error": text}.
// Members that it does not know are refused. Durations are texts like "1.5s".
// A Server refuses what pages of other origins post (403), and calls by a name
// that is not a loopback address's (421). Listen.Pages are served there too.
//
//	GET    /ledger        every transaction (Entry), oldest first
//	GET    /calls         the request elements that arrived (Calls), if Config.Calls is set
//	GET    /totals        counts and sums by type, code, settle status and currency (Total)
//	GET    /stats         counts of calls, requests by type, connections (Stats)
//	POST   /tick          {"duration":"24h"} moves the settlement clock
//	POST   /vt            a payment in the Virtual Terminal (Entered), answers an Entry
//	GET    /bank          every BankSession, oldest first
//	POST   /bank          what a customer does at the bank (BankRequest), answers the BankSession
//	GET    /faults        the script, and how often each fault matched and fired
//	POST   /faults        a fault script (ParseFaults); adds all or none, answers their ids
//	DELETE /faults        clears the script
//	DELETE /faults/{id}   deletes one
//	GET    /sites, /users, /switches
//	POST   /sites, /users, /switches
//	                      creates or changes (Site, User, Switches): members
//	                      left out stay as they are
//	GET    /notifications what was told to whom, oldest first (notify.Notification);
//	                      ?transactionreference= narrows it
//	GET    /notifications/rules
//	POST   /notifications/rules
//	                      one notify.Rule or a list; adds all or none, answers them
//	DELETE /notifications/rules/{id}
//	POST   /notifications/resend
//	                      {"id":7} sends one of the log once more
//	POST   /notifications/forge
//	                      sends a lie (Forging)
//	POST   /notifications/wait
//	                      {"limit":"10s"} waits until none is due or on its way
//	POST   /reset         forgets all transactions, faults, notifications and changes
//
// # Faults
//
// A Fault says which requests it is for, which of them to begin with, how
// often and with what chance it acts, and its Effect. Every fault that matches
// acts; an effect that has no meaning for a type of request neither acts on it
// nor counts it.
//
// The README beside this file says what is certain, inferred and unknown about
// the service that is imitated, and what is left out.
package gateway
