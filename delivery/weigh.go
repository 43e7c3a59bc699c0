package delivery

import (
	"slices"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
)

// weigh parts what entries come to into what is told now and what is held, in the light of the state before. It is a pure function of
// its arguments. f is what fold gave for the entries, by what was heard.
func (f folded) weigh(s state, entries []entry, now time.Time, window time.Duration, mutes mutes) folded {
	if f.held = s.Held; f.err != nil || s.Held == nil && (f.group == nil || mutes == nil) {
		return f
	}
	if mutes == nil {
		mutes = func(template.KV, time.Time) (Mute, bool) { return Mute{}, false }
	}
	p := parting{folded: f, told: s.Known, now: now, mutes: mutes, heldBefore: map[string]bool{}, owedBefore: map[string]bool{}}
	whole := alert.Group{}
	if s.Held != nil {
		p.before = *s.Held
		whole = p.before.Group
		for _, fingerprint := range p.before.Owed {
			p.owedBefore[fingerprint] = true
		}
		for _, a := range slices.Concat(p.before.Group.Alerts, p.before.Group.Gone) {
			p.heldBefore[a.Fingerprint] = !s.Known.knows(a)
		}
	}
	if f.group != nil {
		whole = *f.group
		if s.Held != nil {
			whole = f.group.After(p.before.Group)
		}
	}
	for _, a := range whole.Alerts {
		p.part(a)
	}
	for _, a := range whole.Gone {
		p.partGone(a)
	}
	if s.Held == nil && !p.muted && len(p.suppressed) == 0 {
		return f
	}
	return p.result(s, whole, entries, window)
}

// parting is what weigh works on.
type parting struct {
	folded

	told   knowledge
	before held
	// heldBefore are the alerts that were held, owedBefore those of them that people should have been told of.
	heldBefore, owedBefore map[string]bool
	now                    time.Time
	mutes                  mutes

	// shown are the alerts that a message names; rest are those that are held, when anything is.
	shown, shownGone, rest, restGone template.Alerts
	owed                             []string
	// muted is whether an alert is muted, pending whether one of those has news; visible is whether one is not, and news whether one of
	// those has.
	muted, pending, visible, news bool
	// fires is whether news are not ends alone.
	fires bool
	// by is why alerts are muted.
	by Mute
}

// part puts an alert where it belongs.
func (p *parting) part(a template.Alert) {
	since, fires := p.told.Firing[a.Fingerprint]
	over := a.Status == alert.StatusResolved
	news := !p.told.knows(a)
	if over && news && !fires && p.quiet(a) {
		p.suppressed = append(p.suppressed, a)
		return
	}
	if !p.isMuted(a, news) {
		p.visible = true
		p.shown = append(p.shown, a)
		p.news = p.news || news
		p.lifted = p.lifted || news && p.heldBefore[a.Fingerprint]
		p.fires = p.fires || news && (!over || !fires && p.isOwed(a))
		news = false // it is told
	} else if fires { // it stays in a message as people know it
		known := a
		known.Status, known.StartsAt, known.EndsAt = alert.StatusFiring, since, time.Time{}
		p.shown = append(p.shown, known)
	}
	if !over || news {
		p.rest = append(p.rest, a)
		p.owe(a)
	}
}

// partGone is part for an alert that is no longer reported. That one is, which people know, is no news of its own.
func (p *parting) partGone(a template.Alert) {
	_, known := p.told.Firing[a.Fingerprint]
	switch {
	case !known && p.quiet(a):
		p.suppressed = append(p.suppressed, a)
	case !p.isMuted(a, !known):
		p.shownGone = append(p.shownGone, a)
		p.lifted = p.lifted || !known && p.heldBefore[a.Fingerprint]
		p.news, p.fires = p.news || !known, p.fires || !known
	case !known:
		p.restGone = append(p.restGone, a)
		p.owe(a)
	}
}

func (p *parting) isMuted(a template.Alert, news bool) bool {
	mute, is := p.mutes(a.Labels, p.now)
	if !is {
		return false
	}
	// What is held is held for the first reason, until the first end.
	if !p.muted || news && !p.pending {
		p.by = mute
	} else if until := mute.Until; news && !until.IsZero() && (p.by.Until.IsZero() || until.Before(p.by.Until)) {
		p.by.Until = until
	}
	p.muted, p.pending = true, p.pending || news
	return true
}

// quiet is whether an alert that is over or gone, and of which nobody was told, fired and ended while it was muted: then nobody need
// ever hear of it.
func (p *parting) quiet(a template.Alert) bool {
	if p.isOwed(a) {
		return false
	}
	at := p.known.At
	if end, over := p.known.Ended[a.Fingerprint]; over && a.Status == alert.StatusResolved {
		at = end.At
	}
	mute, is := p.mutes(a.Labels, at)
	if is && p.mute.Reason == "" {
		p.mute = mute // unless something is held, that is why
	}
	return is
}

// isOwed is whether people should have been told of an alert when it fired.
func (p *parting) isOwed(a template.Alert) bool {
	return p.owedBefore[a.Fingerprint] || slices.ContainsFunc(p.began[a.Fingerprint], func(at time.Time) bool {
		_, is := p.mutes(a.Labels, at)
		return !is
	})
}

// owe remembers of an alert that is held whether it is owed.
func (p *parting) owe(a template.Alert) {
	if _, known := p.told.Firing[a.Fingerprint]; !known && p.isOwed(a) {
		p.owed = append(p.owed, a.Fingerprint)
	}
}

// result is f with what is told, held and known now.
func (p *parting) result(s state, whole alert.Group, entries []entry, window time.Duration) folded {
	f := p.folded
	heard := s.heard()
	switch {
	case !p.visible && p.muted && whole.Truncated != p.told.Truncated:
		p.pending = true
	case p.visible && whole.Truncated != p.told.Truncated, p.visible && f.group != nil && heard.old(*f.group):
		p.news = true // more is hidden, or less; or it is a repeat
	case !p.pending && !p.news && p.told.Status == alert.StatusFiring && whole.Status() == alert.StatusResolved:
		// Nothing that people know is left, so they are told that the group is over, by what ended quietly if there is nothing else.
		p.pending = slices.ContainsFunc(whole.Alerts, func(a template.Alert) bool { return p.isMuted(a, true) })
		p.news = !p.pending
	}
	if p.news && len(p.shown) == 0 {
		p.shown = whole.Alerts // a message names one at least
	}
	if len(p.rest) == 0 {
		p.rest = whole.Alerts
	}
	says := f.group != nil
	f.group, f.held, f.fired = nil, nil, p.fires
	if f.again == nil {
		f.again = p.before.Again
	}
	if p.news {
		shown := whole
		shown.Alerts, shown.Gone = p.shown, p.shownGone
		f.group = &shown
	}
	if p.pending {
		p.mute, f.mute = p.by, p.by
		f.held = p.hold(whole, entries, says)
		f.known = p.told
		if p.news {
			f.known = p.told.after(*f.group, p.known.At, window)
		}
	}
	if f.lifted = p.lifted || !p.pending; f.lifted {
		f.traces = withTraces(p.before.traces(), f.traces)
	}
	f.quiet = !p.news && (says || !p.pending || !p.before.Due.IsZero() || p.now.Sub(p.before.Stored) >= storeHeldEvery)
	return f
}

// hold is what is held from now on. says is whether the entries say something.
func (p *parting) hold(whole alert.Group, entries []entry, says bool) *held {
	h := p.before
	h.Group = whole
	h.Group.Alerts, h.Group.Gone, h.Group.Reason = p.rest, p.restGone, "" // by the end of a mute a repeat is none
	cut(&h.Group)
	h.Known, h.Owed, h.Mute = p.known, p.owed, p.mute
	if p.again != nil {
		h.Again = p.again
	}
	if traces := withTraces(p.before.traces(), p.traces); len(traces) > 0 {
		n := len(traces) - 1
		h.Trace, h.Merged = traces[n], traces[max(0, n-mostLinks):n]
	}
	h.Due, h.HandedOver, h.Stored = time.Time{}, false, p.now
	switch {
	case says && len(entries) > 0:
		newest := newestOf(entries)
		h.Seq, h.Part = newest.seq, 1
		h.At, h.Accepted = later(h.At, newest.at), later(h.Accepted, newest.accepted)
		h.Notifications += len(entries) - p.duplicates
		h.Records = packNumbers(append(unpackRecords(h.Records), unpackRecords(packRecords(entries))...))
	case p.news:
		h.Part++
	}
	return &h
}

// cut keeps a group small enough to be stored. What is cut off counts as hidden, so the group cannot turn green by it.
func cut(g *alert.Group) {
	for sizeOf(g) > mostRecord && len(g.Alerts)+len(g.Gone) > 1 {
		if half := len(g.Gone) / 2; len(g.Gone) > 0 {
			g.Truncated += uint64(len(g.Gone) - half)
			g.Gone = g.Gone[:half]
			continue
		}
		half := len(g.Alerts) / 2
		g.Truncated += uint64(len(g.Alerts) - half)
		g.Alerts = g.Alerts[:half]
	}
}
