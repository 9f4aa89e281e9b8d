package mutants

// All lists the mutants.
func All() []Mutant {
	return []Mutant{
		{
			Name: "resend after a time-out",
			Why:  "The gateway has no idempotency key: the first request may have been worked off.",
			File: "plugin/trustpayments/webservices/client.go",
			Edits: []Edit{{
				"	a, err := c.do(ctx, call)\n",
				"	a, err := c.do(ctx, call)\n	if errors.Is(err, ErrNoAnswer) {\n		a, err = c.do(ctx, call)\n	}\n",
			}},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("plugin/trustpayments/webservices", ".")},
		},
		{
			Name: "take silence for nothing sent",
			Why:  "What may be reserved is attempted again at once.",
			File: "host/charge/derive.go",
			Edits: []Edit{{
				"	case d.doubt:\n		d.inDoubt()\n		d.set(StateUnknown",
				"	case d.doubt && d.mismatch:\n		d.inDoubt()\n		d.set(StateUnknown",
			}},
			Checks: []Check{properties()},
		},
		{
			Name: "believe the first empty query",
			Why:  "The gateway's index lags; what shows late is charged a second time.",
			File: "host/charge/fold.go",
			Edits: []Edit{{
				"if a.Looks >= clocks.MinLooks && a.LastLook.Sub(a.FirstLook) >= clocks.absence(a.Settle) {",
				"if a.Looks >= 1 {",
			}},
			Checks: []Check{properties()},
		},
		{
			Name: "query under the new settings",
			Why:  "Another site shows nothing of what was sent to the old one.",
			File: "host/engine/visit.go",
			Edits: []Edit{{
				"	values, err := e.cfg.Settings.ForSite(e.ctx, batch[0].LinkID, key.place.Endpoint, key.place.Site)\n	return payment.Access{Company: key.fulfiller, Settings: values, Endpoint: key.place.Endpoint, Site: key.place.Site}, gateway, err\n",
				"	eff, err := e.cfg.Settings.Effective(e.ctx, batch[0].LinkID)\n	return payment.Access{Company: key.fulfiller, Settings: eff.Settings, Endpoint: eff.Profile.Endpoint, Site: eff.Profile.Site}, gateway, err\n",
			}},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("host/engine", "TestDoubtIsAskedForWhereItWasSent/sqlite")},
		},
		{
			Name: "write the attempt after the call",
			Why:  "A crash in between leaves money at the gateway that no book knows.",
			File: "host/order/service.go",
			Edits: []Edit{
				{"	step.At(step.OrderPrepared)\n", "	step.At(step.OrderPrepared)\n	s.cfg.Engine.Begin(in.Charges)\n"},
				{"	if until == nil {\n		s.cfg.Engine.Begin(in.Charges)\n", "	if until == nil {\n"},
				{"	wait := s.cfg.Engine.Listen(in.Charges)\n	s.cfg.Engine.Begin(in.Charges)\n", "	wait := s.cfg.Engine.Listen(in.Charges)\n"},
			},
			Checks: []Check{matrix("sqlite/intake_written/kill-1", "sqlite/committed/kill-4"), tests("host/engine", "TestNothingIsSentBeforeItIsWrittenDown/sqlite")},
		},
		{
			Name: "call before COMMIT",
			Why:  "Two hosts may both believe that they have won the claim.",
			File: "host/engine/admit.go",
			Edits: []Edit{{
				"	for i, err := range e.commitAll(ctx, changes) {\n		c := changes[i].After\n		switch {\n		case err == nil && c.State == charge.StateCharging:\n			step.At(step.StartsCommitted)\n			e.work.Go(func() { e.call(c.Clone()) })\n",
				"	for _, change := range changes {\n		if c := change.After; c.State == charge.StateCharging {\n			e.work.Go(func() { e.call(c.Clone()) })\n		}\n	}\n	for i, err := range e.commitAll(ctx, changes) {\n		c := changes[i].After\n		switch {\n		case err == nil && c.State == charge.StateCharging:\n			step.At(step.StartsCommitted)\n",
			}},
			Checks: []Check{matrix("sqlite/change_written/kill-4", "sqlite/change_written/kill-13", "sqlite/committed/kill-30"), tests("host/engine", "TestOvertakenClaimSendsNothing/sqlite")},
		},
		{
			Name: "drop the fencing check",
			Why:  "A host that slept through its lease writes over what others have decided since.",
			File: "host/charge/chargedb/store.go",
			Edits: []Edit{{
				"if v, ok := version[id]; ok && v == c.Before.Version {",
				"if v, ok := version[id]; ok && v >= 0 {",
			}},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("host/charge/chargedb", ".")},
		},
		{
			Name: "fence off evidence",
			Why:  "The only answer that says where the money is gets lost.",
			File: "host/engine/persist.go",
			Edits: []Edit{{
				"		case errors.Is(err, charge.ErrStale):\n			// At once: what stands there now is read below.\n",
				"		case errors.Is(err, charge.ErrStale):\n			return\n",
			}},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("host/engine", "TestReadBackIsKeptThoughTheChargeHasChanged/sqlite")},
		},
		{
			Name: "send after send_before, in the plugin",
			Why:  "By then others may count the attempt as absent.",
			File: "plugin/trustpayments/webservices/client.go",
			Edits: []Edit{{
				"	door := newDoor(c.now(), call.SendBefore)\n",
				"	door := newDoor(c.now(), time.Time{})\n",
			}},
			Checks: []Check{matrix("sqlite/connecting/slow-1"), tests("plugin/trustpayments/webservices", ".")},
		},
		{
			Name: "send after send_before, in the host",
			Why:  "A host that slept past its lease sends what others look for already.",
			File: "host/engine/call.go",
			Edits: []Edit{{
				"	if !wall.Before(until) {\n",
				"	until = wall.Add(e.cfg.Clocks.SendWindow)\n	if !wall.Before(until) {\n",
			}},
			Checks: []Check{matrix("sqlite/starts_committed/nap-1"), tests("host/engine", "TestLateOnAnyClockIsNotSent")},
		},
		{
			Name:   "treat 60010 as declined",
			Why:    "The bank's system failed, and the payment may have been made all the same.",
			File:   "plugin/trustpayments/codes.csv",
			Edits:  []Edit{{"60010,ambiguous,,", "60010,declined_hard,,"}},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("plugin/trustpayments", ".")},
		},
		{
			Name: "treat gRPC Unavailable as not sent",
			Why:  "A plugin that died in the middle of a call may have charged. (Its connection ends as Unavailable or Canceled, whichever is noticed first.)",
			File: "shared/pluginrpc/status.go",
			Edits: []Edit{{
				"	for _, d := range st.Details() {\n		detail, ok := d.(*pb.ErrorDetail)\n",
				"	e.NotSent = st.Code() == codes.Unavailable || st.Code() == codes.Canceled\n	for _, d := range st.Details() {\n		detail, ok := d.(*pb.ErrorDetail)\n",
			}},
			Checks: []Check{matrix("sqlite/flight_charge_processed/plugin-1", "sqlite/flight_charge_unprocessed/plugin-1"), tests("shared/pluginrpc", ".")},
		},
		{
			Name: "release before the record is committed",
			Why:  "What is debited must stand in the books, also after a crash.",
			File: "host/engine/call.go",
			Edits: []Edit{{
				"	e.persist(c, func(after *charge.Charge) (*charge.Change, error) {\n		if err := after.FoldAnswer(a); err != nil {\n",
				"	if t, n := a.Result.Transaction, c.Newest(); t != nil {\n		values, _ := e.cfg.Settings.ForSite(e.ctx, c.LinkID, n.Endpoint, n.Site)\n		if g, err := e.cfg.Gateways.Gateway(c.Plugin); err == nil {\n			ctx, cancel := context.WithTimeout(e.ctx, time.Minute)\n			_, _ = g.Adjust(ctx, payment.AdjustRequest{\n				Access:      payment.Access{Company: string(c.FulfillerID), Settings: values, Endpoint: n.Endpoint, Site: n.Site},\n				Adjustments: []payment.Adjustment{{ID: t.ID, Action: payment.ActionRelease}},\n			})\n			cancel()\n		}\n	}\n	e.persist(c, func(after *charge.Charge) (*charge.Change, error) {\n		if err := after.FoldAnswer(a); err != nil {\n",
			}},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("host/engine", "TestNothingIsSentBeforeItIsWrittenDown/sqlite")},
		},
		{
			Name: "release without looking first",
			Why:  "Another authorisation of the same charge may be live.",
			File: "host/engine/visit.go",
			Edits: []Edit{
				{
					"		found, err = e.look(gateway, access, key.place, batch)\n",
					"		if batch[0].State == charge.StateAuthorised {\n			found = &sight{place: key.place, at: e.cfg.Now().UTC()}\n		} else {\n			found, err = e.look(gateway, access, key.place, batch)\n		}\n",
				},
				{"saw(l, v.Chosen)", "(saw(l, v.Chosen) || true)"},
			},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("host/engine", "TestReleaseFollowsALookAtAllReferences/sqlite|TestSecondOfOneChargeIsLetGoBeforeTheRelease/sqlite")},
		},
		{
			Name: "release by orderreference",
			Why:  "All transactions under one reference would be released together.",
			File: "plugin/trustpayments/adjust.go",
			Edits: []Edit{{
				"TransactionReference: webservices.Values{string(a.ID)},",
				"OrderReference:       webservices.Values{string(a.ID)},",
			}},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("plugin/trustpayments", ".")},
		},
		{
			Name: "release a second attempt of the same charge",
			Why:  "The retailer pays twice.",
			File: "host/charge/derive.go",
			Edits: []Edit{{
				"			d.want(ActFollow, d.c.CheckedAt.Add(d.f.Clocks.Follow))\n		default:\n			v.Cancel = append(v.Cancel, r.ID)\n		}\n	}\n	d.cancelNext() // before",
				"			d.want(ActFollow, d.c.CheckedAt.Add(d.f.Clocks.Follow))\n		}\n	}\n	d.cancelNext() // before",
			}},
			Checks: []Check{properties()},
		},
		{
			Name:   "adopt after no",
			Why:    "The platform was told not to produce, and would pay for nothing.",
			File:   "host/charge/derive.go",
			Edits:  []Edit{{"	case cancelled || c.NoTold:\n", "	case cancelled:\n"}},
			Checks: []Check{properties()},
		},
		{
			Name: "forget the watch",
			Why:  "What turns up late stays reserved, or is debited beside its successor, and nobody sees it.",
			File: "host/charge/charge.go",
			Edits: []Edit{{
				"	return a.Outcome == payment.OutcomeNotSent || (!a.Outcome.Known() && !a.AbsentAt.IsZero())\n",
				"	return false\n",
			}},
			Checks: []Check{properties(), tests("testharness/months", "TestLostRequestIsSentAgainOnceAbsenceHasAged|TestRecordBeyondAbsenceIsLetGo")},
		},
		{
			Name: "decide on a version that has moved",
			Why:  "A release goes out although the order was cancelled meanwhile.",
			File: "host/engine/visit.go",
			Edits: []Edit{{
				"		case err != nil:\n			// Mostly somebody else",
				"		case err != nil && !errors.Is(err, charge.ErrStale):\n			// Mostly somebody else",
			}},
			Checks: []Check{matrix("sqlite/order_prepared/kill-1"), tests("host/engine", "TestOvertakenVisitSendsNothing/sqlite")},
		},
	}
}
