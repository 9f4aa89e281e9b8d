package pluginhost

import "time"

// renewPause is the least time from one renewal to the next: a file that is
// replaced all the time must not have processes started all the time.
const renewPause = time.Minute

// renew has a generation replaced if another file lies where its process was
// given one, since the process can't read that. The old one goes on until the
// new one is well, and if it does not come up. It is called by run alone.
func (s *supervisor) renew(g *generation) {
	now := s.cfg.Now()
	if !s.renewed.IsZero() && now.Sub(s.renewed) < renewPause {
		return
	}
	files := g.files.Replaced()
	if len(files) == 0 || s.current.Load() != g {
		return
	}
	s.renewed = now
	s.log.Info("files that the plugin may read are others now; a process that can read them takes the place of the one that can't", "files", files)
	s.work.Go(func() {
		_, err := s.replace(s.ctx, replacement{verb: "renewal", unasked: true, choose: func() (*choice, bool, error) {
			if s.current.Load() != g {
				return nil, true, nil // somebody else was faster
			}
			c, err := s.choose()
			return c, false, err
		}})
		if err != nil && s.ctx.Err() == nil {
			s.log.Error("the plugin can't read files that were replaced, and has no other process yet; it is tried again after a pause",
				"files", files, "error", err, "pause", renewPause.String())
		}
	})
}
